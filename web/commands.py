"""`tingxie web`: the front end's command."""

import ssl
import sys
from ipaddress import ip_address
from typing import Annotated

import structlog
import typer
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from jobs.apart import apart
from jobs.commands import EX_AWAY, EX_CONFIG, errors_told, read_settings
from jobs.errors import SetupError
from jobs.keyring import Keyring
from jobs.ledger.connection import close, connect
from jobs.logs import configure_logs
from jobs.settings import Settings
from jobs.store import usable_store
from web.server import Server, listen_all

NO_KEYS = "Make a key with `tingxie keys create`, or listen on 127.0.0.1."
OWN_STORE = "Give a front end the store itself, by TINGXIE_STORE_URL or TINGXIE_DATA_DIR."
OPEN_TO_ALL = "no API keys: for this machine only, whoever uses it"
OPEN_TO_WORKERS = "no API keys: others are let in as workers only"

log = structlog.get_logger()

app = typer.Typer(help="Run the front end (HTTP API).")


@app.callback(invoke_without_command=True)
def web(
    host: Annotated[str | None, typer.Option(help="Addresses to listen on, with commas.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")] = None,
    threads: Annotated[int | None, typer.Option(help="Requests served at one time.")] = None,
) -> None:
    """Run the front end in the foreground; SIGTERM lets running requests end."""
    with errors_told("web", status=EX_CONFIG, away=EX_AWAY):
        settings = read_settings(host=host, port=port, web_threads=threads)
        configure_logs(settings)
        _check_redis(settings)
        if settings.store.startswith(("http:", "https:")):
            raise SetupError(f"{settings.store_url} is a store for workers only", remedy=OWN_STORE)
        has_keys = apart(_has_keys, settings.store)
        listeners = listen_all(settings.host, settings.port)
        addresses = [listener.getsockname()[:2] for listener in listeners]
        for where, _ in addresses:
            if not has_keys and not settings.worker_token and not ip_address(where).is_loopback:
                raise SetupError(f"There are no API keys, and {where} can be reached by others", remedy=NO_KEYS)
    open_to = "" if has_keys else f" ({OPEN_TO_WORKERS if settings.worker_token else OPEN_TO_ALL})"
    for where, port_number in addresses:
        typer.echo(f"listening http://{f'[{where}]' if ':' in where else where}:{port_number}{open_to}")
    sys.stdout.flush()
    Server(settings, listeners).run()


def _has_keys(store_url: str) -> bool:
    """Called in a process of its own: gunicorn forks, and a store's client may have threads."""
    return Keyring(usable_store(store_url)).in_use()


def _check_redis(settings: Settings) -> None:
    """Raises SetupError for a Redis that will never work; one that is only away is waited for by 503s."""
    try:
        redis = connect(settings.redis, in_haste=True)
        try:
            redis.ping()
        finally:
            close(redis)
    except (AuthenticationError, ResponseError) as error:
        raise SetupError(f"TINGXIE_REDIS_URL can't be used: {error}", remedy="Correct it.") from error
    except RedisError as error:
        if isinstance(error.__context__, ssl.SSLCertVerificationError):
            raise SetupError(f"Redis's certificate isn't trusted: {error}", remedy="Set TINGXIE_REDIS_CA.") from error
        log.warning("redis.away", error=str(error))
