"""`tingxie keys`: make, list and revoke API keys. Needs the store, not a running service."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from jobs.api_key import ApiKey, Scope
from jobs.commands import errors_told, read_settings
from jobs.errors import Unavailable
from jobs.keyring import Keyring, Limits
from jobs.ledger import Ledger
from jobs.store import open_store

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

#: what may stand in an owner's name: it becomes a part of keys in Redis
_OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}")

Name = Annotated[str, typer.Option("--name", help="For whom or what the key is; shown by `list` only.")]
Scopes = Annotated[
    list[Scope] | None, typer.Option("--scope", help="submit, read, metrics, admin; repeat for several.")
]
Owner = Annotated[
    str, typer.Option("--owner", help="Whose jobs: the owner of an older key, or `local` for those from before keys.")
]
PerMinute = Annotated[int | None, typer.Option("--requests-per-minute", min=0, help="0: no limit.")]
PerDay = Annotated[float | None, typer.Option("--hours-per-day", min=0, help="Hours of audio a day (UTC).")]
PerMonth = Annotated[float | None, typer.Option("--hours-per-month", min=0, help="Hours of audio a month (UTC).")]


@app.command()
def create(
    *,
    name: Name = "",
    scope: Scopes = None,
    owner: Owner = "",
    requests_per_minute: PerMinute = None,
    hours_per_day: PerDay = None,
    hours_per_month: PerMonth = None,
) -> None:
    """Make a key with the scopes submit and read, unless others are named. Prints it, once and never again."""
    if owner and not _OWNER.fullmatch(owner):
        raise typer.BadParameter("an owner is at most 64 letters, digits, - and _", param_hint="--owner")
    limits = Limits(requests_per_minute, hours_per_day, hours_per_month)
    with errors_told("keys"):
        keyring = _keyring()
        first = not keyring.in_use()
        key, token = keyring.create(name, scope or (Scope.SUBMIT, Scope.READ), owner=owner, limits=limits)
    typer.echo(token)
    typer.echo(f"key {key.id} ({_scopes(key)}); it can't be shown again", err=True)
    if first:
        typer.echo("the first key: from now on every request needs one, within seconds", err=True)


@app.command("list")
def list_keys() -> None:
    """List the keys, one tab-separated line each: id, name, scopes, owner, made, last used, revoked."""
    with errors_told("keys"):
        keys = _keyring().all()
    used = _last_used(keys)
    for key in keys:
        revoked = f"revoked {_day(key.revoked_at)}" if key.revoked_at else ""
        fields = [key.id, key.name, _scopes(key), key.owner, _day(key.created_at), used.get(key.id, "never"), revoked]
        typer.echo("\t".join(fields))


@app.command()
def revoke(key_ids: Annotated[list[str], typer.Argument(metavar="KEY…", help="Ids of keys, as listed.")]) -> None:
    """End keys for good: within seconds nothing accepts them. Their jobs stay. Exit status: 4 no such key."""
    with errors_told("keys"):
        keyring = _keyring()
        missing = [key_id for key_id in key_ids if not key_id.isalnum() or keyring.revoke(key_id) is None]
    for key_id in missing:
        typer.echo(f"tingxie keys: there is no key {key_id!r}. `tingxie keys list` shows all of them.", err=True)
    if missing:
        raise typer.Exit(4)


def _keyring() -> Keyring:
    return Keyring(open_store(read_settings().store))


def _last_used(keys: list[ApiKey]) -> dict[str, str]:
    """Key → when it was last used, as Redis remembers it; the keys themselves don't need Redis."""
    try:
        used = Ledger.connect(read_settings()).keys_used()
    except (Unavailable, ValueError):
        return {key.id: "unknown: Redis is away" for key in keys}
    return {key_id: _minute(at) for key_id, at in used.items()}


def _scopes(key: ApiKey) -> str:
    return ",".join(sorted(key.scopes))


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
