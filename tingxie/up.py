"""`tingxie up`: the whole service on this machine, in the foreground, until Ctrl-C."""

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from tingxie.child import Child
from tingxie.client import Client
from tingxie.data_folder import DataFolder
from tingxie.errors import ServerUnreachable
from tingxie.own_redis import OwnRedis, check_reachable, without_password
from tingxie.recovery import Recovery
from tingxie.stack import BUNDLED_MODEL, Stack, choose_port
from tingxie.supervisor import Supervisor

#: a poll of /readyz takes milliseconds; a front end that needs longer isn't ready
_READY_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class UpOptions:
    port: int
    workers: int
    model: str
    data: Path
    verbose: bool


def up(options: UpOptions) -> None:
    """Returns after a clean stop. Raises StackError; whatever was started has then been stopped."""
    port = choose_port(options.port)
    with DataFolder.take(options.data) as data:
        redis_url = os.environ.get("TINGXIE_REDIS_URL", "")
        redis = None
        if redis_url:
            check_reachable(redis_url)
        else:
            redis = OwnRedis.start(data)
            redis_url = redis.url
        _run(Stack(data, redis_url, port, options.workers, options.model), redis, verbose=options.verbose)


def _run(stack: Stack, redis: OwnRedis | None, *, verbose: bool) -> None:
    _say_what_starts(stack)
    web = Child(stack.plan_web(), stack.data.logs, verbose=verbose)
    plans = [stack.plan_prepare(), *stack.plan_transcribe()]
    workers = [Child(plan, stack.data.logs, verbose=verbose) for plan in plans]
    recovery = Recovery(Child(stack.plan_recover(), stack.data.logs, verbose=verbose)) if redis else None
    if redis and recovery and redis.is_empty() and stack.has_jobs():
        typer.echo("Redis is empty, the store is not: recovering the ledger from it", err=True)
        recovery.ask()
    Supervisor([workers, [web]], redis, recovery).run(
        is_ready=lambda: _is_ready(stack.url), on_ready=lambda: typer.echo(f"ready {stack.url}")
    )


def _say_what_starts(stack: Stack) -> None:
    typer.echo(f"data and logs: {stack.data.path}; Redis: {without_password(stack.redis_url)}", err=True)
    if stack.model == BUNDLED_MODEL:
        typer.echo(
            "model: the bundled demonstration model, which understands only its toy language; "
            "for real speech give --model (see README.md)",
            err=True,
        )
    else:
        typer.echo(f"model: {stack.model} (loading may take a while; the first time it is downloaded)", err=True)


def _is_ready(url: str) -> bool:
    """Web's own word: Redis and the store work, and workers of both kinds live."""
    # A client for each question: a connection kept open would make web wait for us when it stops.
    with Client(url, timeout_s=_READY_TIMEOUT_S) as client:
        try:
            return bool(client.readiness()["ready"])
        except ServerUnreachable:
            return False
