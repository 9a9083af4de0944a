"""The connection to Redis: its timeouts and retries, and its errors turned into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis, Sentinel, exceptions
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from jobs.errors import LedgerUnavailable
from jobs.redis_address import RedisAddress

#: a healthy Redis answers in milliseconds; one that stalls longer is away
SOCKET_TIMEOUT_S = 5.0
#: where a client waits for the answer, it is rather told to come again
HASTY_TIMEOUT_S = 1.5
#: bridges a restarted proxy or a dropped connection; a Redis that is gone is reported within a second, not awaited
RETRIES = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5
#: a Sentinel that doesn't answer is passed over for the next one
SENTINEL_TIMEOUT_S = 1.0

#: Redis is there but can't serve now: full, loading, a replica, its disk full (MISCONF)
_AWAY_PREFIXES = ("OOM", "LOADING", "READONLY", "MISCONF", "MASTERDOWN", "BUSY", "CLUSTERDOWN")


def connect(address: RedisAddress, *, in_haste: bool = False) -> Redis:
    """A client with a pool of connections; the first command connects. Safe over threads and forks; `close` ends it.

    in_haste: says sooner that Redis is away.

    It sends a command again when the reply is lost, so a command may be applied twice: every script allows for that.
    """
    timeout_s, retries = (HASTY_TIMEOUT_S, 1) if in_haste else (SOCKET_TIMEOUT_S, RETRIES)
    backoff = ExponentialWithJitterBackoff(base=FIRST_PAUSE_S, cap=LONGEST_PAUSE_S)
    options: dict[str, Any] = {
        "db": address.db,
        "protocol": 2,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "retry": Retry(backoff, retries),
        "retry_on_error": [exceptions.ConnectionError, exceptions.TimeoutError],
        **address.login.arguments,
        **_tls(address),
    }
    if address.master:
        asked = sentinel_options(address)
        sentinels = Sentinel(address.hosts, sentinel_kwargs=asked, **options)  # type: ignore[no-untyped-call]
        client: Redis = sentinels.master_for(address.master)  # type: ignore[no-untyped-call]
        return client
    if address.path:
        return Redis(unix_socket_path=address.path, **options)
    [(host, port)] = address.hosts
    return Redis(host, port, **options)


def close(redis: Redis) -> None:
    """Its connections, those to Sentinels included; the next command opens them again."""
    redis.close()
    sentinels: Sentinel | None = getattr(redis.connection_pool, "sentinel_manager", None)
    if sentinels is not None:
        sentinels.close()


def sentinel_options(address: RedisAddress) -> dict[str, Any]:
    """How a Sentinel is asked for the master: once each."""
    return {
        "protocol": 2,
        "socket_timeout": SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        **address.sentinel_login.arguments,
        **_tls(address),
    }


def _tls(address: RedisAddress) -> dict[str, Any]:
    return {"ssl": True, **address.tls} if address.tls else {}


@contextmanager
def translated() -> Iterator[None]:
    """Raise LedgerUnavailable where Redis is away."""
    try:
        yield
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        raise LedgerUnavailable(f"Redis can't be reached: {error}") from error
    except exceptions.ResponseError as error:
        if _says_away(error):
            raise LedgerUnavailable(f"Redis can't serve at the moment: {error}") from error
        raise


def _says_away(error: exceptions.ResponseError) -> bool:
    # redis-py strips the prefix of errors that have a class of their own
    if isinstance(error, exceptions.OutOfMemoryError | exceptions.ReadOnlyError):
        return True
    message = str(error)
    return message.startswith(_AWAY_PREFIXES) or "-OOM" in message or "OOM command not allowed" in message
