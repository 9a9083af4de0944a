"""The connection to Redis: its timeouts and retries, and its errors turned into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, exceptions
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from jobs.errors import LedgerUnavailable

#: a healthy Redis answers in milliseconds; one that stalls longer is away
SOCKET_TIMEOUT_S = 5.0
#: where a client waits for the answer, it is rather told to come again
HASTY_TIMEOUT_S = 1.5
#: bridges a restarted proxy or a dropped connection; a Redis that is gone is reported within a second, not awaited
RETRIES = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5

#: Redis is there but can't serve now: full, loading, a replica, its disk full (MISCONF)
_AWAY_PREFIXES = ("OOM", "LOADING", "READONLY", "MISCONF", "MASTERDOWN", "BUSY", "CLUSTERDOWN")


def connect(url: str, *, in_haste: bool = False) -> Redis:
    """A client with a pool of connections; the first command connects. Safe over threads and forks.

    in_haste: says sooner that Redis is away.

    It sends a command again when the reply is lost, so a command may be applied twice: every script allows for that.
    """
    timeout_s, retries = (HASTY_TIMEOUT_S, 1) if in_haste else (SOCKET_TIMEOUT_S, RETRIES)
    backoff = ExponentialWithJitterBackoff(base=FIRST_PAUSE_S, cap=LONGEST_PAUSE_S)
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(backoff, retries),
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError],
    )


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
