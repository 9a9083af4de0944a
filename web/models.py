"""/v1/models: what workers serve, in the shape that OpenAI's clients read."""

from apiflask import APIBlueprint

from jobs.errors import RequestError
from web.openapi import errors
from web.schemas import ModelList, ModelView
from web.services import services

blueprint = APIBlueprint("models", __name__, url_prefix="/v1/models", tag="Models")


class ModelNotFound(RequestError):
    type = "model-not-found"
    title = "There is no such model"
    remedy = "GET /v1/models lists those that workers have announced."
    status = 404


@blueprint.get("")
@blueprint.output(ModelList)
@blueprint.doc(responses=errors(503), operation_id="listModels")
def list_models() -> ModelList:
    """List the models that workers have announced, and their aliases"""
    return ModelList(data=_views())


@blueprint.get("/<path:model_id>")
@blueprint.output(ModelView)
@blueprint.doc(responses=errors(503, ModelNotFound), operation_id="getModel")
def get_model(model_id: str) -> ModelView:
    """Get a model, by its name or an alias"""
    for view in _views():
        if view.id == model_id:
            return view
    raise ModelNotFound(f"No worker has announced {model_id[:200]!r}.")


def _views() -> list[ModelView]:
    front = services()
    views = [
        ModelView(
            id=spec.model,
            revision=spec.revision,
            dtype=spec.dtype,
            family=spec.family,
            language=spec.language,
            workers=live,
        )
        for spec, live in front.ledger.models()
    ]
    aliases = front.settings.aliases.items()
    return views + [
        view.model_copy(update={"id": name, "alias_of": model})
        for name, model in aliases
        for view in views
        if view.id == model
    ]
