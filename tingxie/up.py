"""`tingxie up`: the whole service on this machine, in the foreground, until Ctrl-C."""

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from tingxie.child import Child
from tingxie.client import Client
from tingxie.data_folder import DataFolder
from tingxie.errors import ServerUnreachable, StackError
from tingxie.opening import Address, Opening, Secrets
from tingxie.own_redis import OwnRedis, check_reachable, without_password
from tingxie.recovery import Recovery
from tingxie.redis_server import Opened
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
    #: where workers of other machines may join; '' for nowhere
    listen: str = ""


def up(options: UpOptions) -> None:
    """Returns after a clean stop. Raises StackError; whatever was started has then been stopped."""
    address = Address.parse(options.listen) if options.listen else None
    wanted = options.port if address is None or address.port is None else address.port
    port = choose_port(wanted, *([address.ip] if address else []))
    with DataFolder.take(options.data) as data:
        opening = Opening(address, Secrets.of(data, address.ip)) if address else None
        redis_url = os.environ.get("TINGXIE_REDIS_URL", "")
        redis = None
        if redis_url:
            check_reachable(redis_url)
        else:
            redis = _start_redis(data, opening)
            redis_url = redis.url
        _run(Stack(data, redis_url, port, options.workers, options.model, opening), redis, verbose=options.verbose)


def _start_redis(data: DataFolder, opening: Opening | None) -> OwnRedis:
    """Opened, it stays on one port from start to start."""
    if opening is None:
        return OwnRedis.start(data)
    opened = Opened(opening.address.ip, opening.secrets.redis_password)
    try:
        return OwnRedis.start(data, port=opening.secrets.redis_port, opened=opened)
    except StackError as error:
        error.remedy = f"Machines that joined look for Redis there; to choose another port, remove {data.listening}."
        raise


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
        is_ready=lambda: _is_ready(stack.url), on_ready=lambda: _say_ready(stack)
    )


def _say_ready(stack: Stack) -> None:
    typer.echo(f"ready {stack.url}")
    if stack.opening is not None:
        typer.echo("another machine joins by this command; whoever has it can read all audio:", err=True)
        typer.echo(f"  {stack.opening.command(stack.port)}")
        if stack.opening.warning:
            typer.echo(stack.opening.warning, err=True)


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
