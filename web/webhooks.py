"""/v1/webhooks: the secrets that sign, the deliveries and their logs, replay, a test of a receiver."""

import uuid
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from jobs.errors import DeliveryNotFound, SecretMissing, SecretNotFound, UrlRefused
from jobs.outgoing import check_url
from jobs.webhook import OVERLAP_S, Attempt, DeliveryRecord, DeliveryState, Secret, Secrets, Signing
from web.answers import empty_answer, json_answer
from web.idempotency import idempotent
from web.openapi import answer, errors
from web.schemas import Answer
from web.services import current_caller, current_owner, services

blueprint = APIBlueprint("webhooks", __name__, url_prefix="/v1/webhooks", tag="Webhooks")

WEEK_S = 7 * 86_400


class SecretQuery(BaseModel):
    overlap_s: float = Field(
        OVERLAP_S,
        ge=0,
        le=WEEK_S,
        allow_inf_nan=False,
        description="How long the secret before this one goes on signing beside it, in seconds.",
    )


class SecretView(Answer):
    """A secret in force."""

    id: str
    masked: str = Field(description="Its beginning and its end.", examples=["whsec_MfK…w="])
    created_at: float
    expires_at: float | None = Field(description="When it stops signing; null for the newest.")


class NewSecret(SecretView):
    secret: str = Field(description="Shown this once.", examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class SecretList(Answer):
    secrets: list[SecretView]


class DeliveryQuery(BaseModel):
    state: DeliveryState | None = Field(None, description="Only deliveries in this state.")
    job_id: str = Field("", max_length=64, description="Only those about this job.")
    limit: int = Field(50, ge=1, le=200, description="Deliveries on a page.")
    cursor: str = Field("", max_length=200, description="`next_cursor` of the page before.")


class DeliveryPage(Answer):
    deliveries: list[DeliveryRecord]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class DeliveryView(DeliveryRecord):
    """A delivery with its log."""

    log: list[Attempt] = Field(description="Its attempts, oldest first.")


class Trial(BaseModel):
    """Where to send an event of the type `webhook.test`."""

    url: str = Field(max_length=1000, pattern=r"^https?://[!-~]+$", examples=["https://example.com/hooks"])


@blueprint.get("/secrets")
@blueprint.output(SecretList)
@blueprint.doc(operation_id="listWebhookSecrets", responses=errors(503))
def list_secrets() -> Response:
    """List the secrets that sign your webhooks, newest first"""
    found = Secrets(services().store).in_force(current_owner())
    return json_answer({"secrets": [_secret(each) for each in found]})


@blueprint.post("/secrets")
@idempotent()
@blueprint.input(SecretQuery, location="query")
@blueprint.output(NewSecret, 201)
@blueprint.doc(operation_id="createWebhookSecret", responses=errors(422, 503))
def create_secret(query_data: SecretQuery) -> Response:
    """Make a secret, or rotate to a new one

    The secret is shown this once. The one before it goes on signing for `overlap_s`; older ones stop.
    """
    owner, secrets = current_owner(), Secrets(services().store)
    secret = secrets.create(owner, overlap_s=query_data.overlap_s)
    secrets.in_force(owner)  # takes away what is over
    return json_answer({**_secret(Signing(secret, None)), "secret": secret.secret}, 201)


@blueprint.delete("/secrets/<secret_id>")
@blueprint.doc(
    operation_id="deleteWebhookSecret", responses={204: answer("It signs no more"), **errors(503, SecretNotFound)}
)
def delete_secret(secret_id: str) -> Response:
    """Stop signing with a secret, at once"""
    if not Secrets(services().store).delete(current_owner(), secret_id):
        raise SecretNotFound(f"There is no secret {secret_id[:64]!r}.")
    return empty_answer()


@blueprint.get("/deliveries")
@blueprint.input(DeliveryQuery, location="query")
@blueprint.output(DeliveryPage)
@blueprint.doc(operation_id="listWebhookDeliveries", responses=errors(422, 503))
def list_deliveries(query_data: DeliveryQuery) -> Response:
    """List your deliveries, newest first"""
    found, cursor = services().ledger.deliveries(
        current_owner(),
        limit=query_data.limit,
        cursor=query_data.cursor,
        state=query_data.state.value if query_data.state else "",
        job_id=query_data.job_id,
    )
    return json_answer({"deliveries": [each.model_dump(mode="json") for each in found], "next_cursor": cursor or None})


@blueprint.get("/deliveries/<delivery_id>")
@blueprint.output(DeliveryView)
@blueprint.doc(operation_id="getWebhookDelivery", responses=errors(503, DeliveryNotFound))
def get_delivery(delivery_id: str) -> Response:
    """Show a delivery with the log of its attempts"""
    return json_answer(_delivery(delivery_id))


@blueprint.post("/deliveries/<delivery_id>/replay")
@idempotent()
@blueprint.output(DeliveryView, 202)
@blueprint.doc(operation_id="replayWebhookDelivery", responses=errors(503, DeliveryNotFound))
def replay(delivery_id: str) -> Response:
    """Deliver again

    At once and with every attempt, under the same `webhook-id`; one that is on its way goes on. A receiver that had
    said 410 counts as there again.
    """
    services().ledger.replay_delivery(delivery_id, current_caller().sees)
    return json_answer(_delivery(delivery_id), 202)


@blueprint.post("/test")
@idempotent()
@blueprint.input(Trial, location="json")
@blueprint.output(DeliveryView, 202)
@blueprint.doc(operation_id="testWebhook", responses=errors(400, 413, 415, 422, 503, UrlRefused, SecretMissing))
def test(json_data: Trial) -> Response:
    """Try a receiver

    An event of the type `webhook.test` is sent to it, signed and repeated like any other.
    """
    front, owner = services(), current_owner()
    check_url(json_data.url, front.settings.allowed)
    if not Secrets(front.store).in_force(owner):
        raise SecretMissing
    delivery_id = f"msg_test_{uuid.uuid4().hex}"
    front.ledger.test_delivery(delivery_id, owner, json_data.url)
    return json_answer(_delivery(delivery_id), 202)


def _delivery(delivery_id: str) -> dict[str, Any]:
    record, log = services().ledger.delivery(delivery_id, current_caller().sees)
    return {**record.model_dump(mode="json"), "log": [attempt.model_dump() for attempt in log]}


def _secret(signing: Signing) -> dict[str, Any]:
    secret: Secret = signing.secret
    return {
        "id": secret.id,
        "masked": secret.masked,
        "created_at": secret.created_at,
        "expires_at": signing.expires_at,
    }
