"""`tingxie join`: workers on this machine for a service on another one, in the foreground, until Ctrl-C."""

import os
import sys
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import typer

from tingxie.child import Child, ChildPlan
from tingxie.connection import unreachable
from tingxie.data_folder import DataFolder
from tingxie.errors import JoinRefused, StackError
from tingxie.own_redis import check_reachable
from tingxie.stack import usable_cores
from tingxie.supervisor import Supervisor

TOKEN = "TINGXIE_WORKER_TOKEN"  # noqa: S105 (its name)
_TIMEOUT_S = 10.0
_SHOWN_AGAIN = "Copy the command anew that `tingxie up --listen` prints."


@dataclass(frozen=True, slots=True)
class JoinOptions:
    url: str
    workers: int
    #: '' for that of the service
    model: str
    data: Path
    verbose: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What the front end tells a machine that joins (web/joining.py)."""

    version: str
    redis_url: str
    store_url: str
    model: str
    settings: dict[str, str]


def join(options: JoinOptions) -> None:
    """Returns after a clean stop. Raises StackError, JoinRefused or ServerUnreachable; then nothing stays running."""
    url = options.url.rstrip("/")
    token = os.environ.get(TOKEN, "")
    if not token:
        raise JoinRefused(f"{TOKEN} isn't set", remedy=_SHOWN_AGAIN)
    terms = _ask(url, token)
    if terms.version != version("tingxie"):
        typer.echo(f"the service is tingxie {terms.version}, this machine has {version('tingxie')}", err=True)
    redis_url = as_seen_from_here(terms.redis_url, url)
    with DataFolder.take(options.data) as data:
        _check_redis(redis_url)
        data.temporary.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            **terms.settings,
            "TINGXIE_REDIS_URL": redis_url,
            "TINGXIE_STORE_URL": terms.store_url or url,
            "TINGXIE_DATA_DIR": str(data.path),
            "TINGXIE_MODEL": options.model or terms.model,
            "TINGXIE_MODEL_THREADS": _threads(options.workers),
            "TMPDIR": str(data.temporary),  # copies of recordings, which may be large
            "PYTHONUNBUFFERED": "1",
        }
        if options.model:
            environment |= {"TINGXIE_MODELS": "", "TINGXIE_REVISION": os.environ.get("TINGXIE_REVISION", "")}
        _run(url, _plans(environment, options.workers), data, verbose=options.verbose)


def as_seen_from_here(redis_url: str, front_end: str) -> str:
    """A Redis that the front end reaches by loopback is on the front end's machine."""
    parts = urlsplit(redis_url)
    if parts.scheme not in ("redis", "rediss") or not _is_near(parts.hostname or "localhost"):
        return redis_url
    host = urlsplit(front_end).hostname or ""
    user, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{user}{at}{f'[{host}]' if ':' in host else host}{port}").geturl()


def _is_near(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_redis(url: str) -> None:
    try:
        check_reachable(url)
    except StackError as error:
        error.remedy = "Open this port of the service's machine to this one."
        raise


def _ask(url: str, token: str) -> Terms:
    try:
        answer = httpx.get(f"{url}/internal/join", headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S)
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise unreachable(url, error) from error
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        raise JoinRefused(f"{url} refuses this worker token", remedy=_SHOWN_AGAIN)
    try:
        told = answer.raise_for_status().json()
        return Terms(**{name: told[name] for name in Terms.__slots__})
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
        raise JoinRefused(
            f"{url} lets no machine join (status {answer.status_code})", remedy="Start it by `tingxie up --listen`."
        ) from error


def _threads(workers: int) -> str:
    return os.environ.get("TINGXIE_MODEL_THREADS") or str(max(1, usable_cores() // workers))


def _plans(environment: dict[str, str], workers: int) -> list[ChildPlan]:
    names = {"prepare": "prepare", **{f"transcribe-{number}": "transcribe" for number in range(1, workers + 1)}}
    return [
        ChildPlan(name, [sys.executable, "-m", "tingxie", "worker", kind], environment) for name, kind in names.items()
    ]


def _run(url: str, plans: list[ChildPlan], data: DataFolder, *, verbose: bool) -> None:
    typer.echo(f"joining {url} for the model {plans[0].environment['TINGXIE_MODEL']}; logs: {data.logs}", err=True)
    children = [Child(plan, data.logs, verbose=verbose) for plan in plans]
    Supervisor([children], None).run(
        is_ready=lambda: all(child.log.is_at_work for child in children),
        on_ready=lambda: typer.echo(f"joined {url}"),
    )
