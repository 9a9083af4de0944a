"""A front end whose operator has made keys, and the people who hold them."""

from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from jobs.api_key import ApiKey, Scope
from jobs.keyring import Keyring, Limits
from jobs.settings import Settings
from jobs.store import open_store
from tests.integration.api.server import WebServer


@dataclass(frozen=True, slots=True)
class Holder:
    """One key, and a client that sends it."""

    key: ApiKey
    token: str
    client: httpx.Client


def keyring_of(web: WebServer) -> Keyring:
    return Keyring(open_store(Settings(data_dir=web.folder / "data").store))


class Holders:
    """Makes keys for running front ends; usable at once."""

    def __init__(self) -> None:
        self._made: list[Holder] = []

    def __call__(
        self,
        web: WebServer,
        scopes: Iterable[Scope] = (Scope.SUBMIT, Scope.READ),
        *,
        owner: str = "",
        limits: Limits | None = None,
    ) -> Holder:
        key, token = keyring_of(web).create("test", scopes, owner=owner, limits=limits)
        client = httpx.Client(base_url=web.url, timeout=60.0, headers={"Authorization": f"Bearer {token}"})
        self._made.append(Holder(key, token, client))
        return self._made[-1]

    def close(self) -> None:
        for holder in self._made:
            holder.client.close()
