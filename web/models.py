"""/v1/models: what workers serve, in the shape that OpenAI's clients read."""

from apiflask import APIBlueprint

from web.openapi import errors
from web.schemas import ModelList, ModelView
from web.services import services

blueprint = APIBlueprint("models", __name__, url_prefix="/v1/models", tag="Models")


@blueprint.get("")
@blueprint.output(ModelList)
@blueprint.doc(responses=errors(503), operation_id="listModels")
def list_models() -> ModelList:
    """List the models that workers have announced"""
    views = [
        ModelView(
            id=spec.model,
            revision=spec.revision,
            dtype=spec.dtype,
            family=spec.family,
            language=spec.language,
            workers=live,
        )
        for spec, live in services().ledger.models()
    ]
    return ModelList(data=views)
