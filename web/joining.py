"""/internal/join and /internal/store: what a worker on another machine has to know before it starts."""

from importlib.metadata import version

from flask import Response

from jobs.settings import Settings
from jobs.store import wire
from web.answers import json_answer
from web.internal import guarded
from web.services import services

#: what one worker may do for all (sweep, reconcile, deliver) or to any job: all workers must agree on it
SHARED = (
    "models",
    "revision",
    "cutting",
    "window_s",
    "context_s",
    "max_upload_bytes",
    "max_duration_s",
    "upload_expiry_s",
    "allowed_hosts",
    "fetch_timeout_s",
    "webhook_schedule_s",
    "webhook_timeout_s",
    "owner_queued_s",
    "owner_running_s",
    "dedupe",
    "prepare_slice_s",
    "prepare_timeout_s",
    "prepare_ahead_windows",
    "heartbeat_s",
    "lease_s",
    "reconcile_s",
    "max_deaths",
    "waiting_timeout_s",
    "sweep_s",
    "audio_retention_s",
    "retention_s",
    "remote_control",
)

blueprint = guarded("joining")


@blueprint.get("/store")
def store() -> Response:
    """What this is, with the store tried."""
    return json_answer({**_self(), "free_bytes": services().store.check()})


@blueprint.get("/join")
def join() -> Response:
    """What `tingxie join` starts workers with. store_url: empty where it is this front end."""
    settings = services().settings
    return json_answer(
        {
            **_self(),
            "redis_url": settings.redis_url,
            "store_url": "" if settings.store.startswith("file:") else settings.store,
            "model": settings.model,
            "settings": shared(settings),
        }
    )


def shared(settings: Settings) -> dict[str, str]:
    """Those settings that all workers must agree on and that aren't their defaults, as the environment has them."""
    return {
        f"TINGXIE_{name.upper()}": str(getattr(settings, name))
        for name in SHARED
        if getattr(settings, name) != type(settings).model_fields[name].default
    }


def _self() -> dict[str, object]:
    return {"protocol": wire.PROTOCOL, "version": version("tingxie")}
