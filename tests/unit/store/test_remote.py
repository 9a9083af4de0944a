"""The store behind a front end over bad networks, and front ends that won't serve it."""

import time
from collections.abc import Callable

import pytest

from jobs.errors import ObjectMissing, SetupError, StoreFull, StoreUnavailable
from jobs.settings import Settings
from jobs.store import open_store, wire
from jobs.store.remote import RemoteStore
from tests.integration.api.server import WebServer
from tests.support.cutting_proxy import CuttingProxy
from tests.support.remote_store import TOKEN, front_end_of_workers, remote_store
from tests.unit.tingxie.scripted_server import Scripted, Step, answer, hang_up, scripted

NAME = "jobs/remote/audio"
BYTES = bytes(range(256)) * 20_000
STORE = {"protocol": wire.PROTOCOL, "version": "0", "free_bytes": 7}
AWAY = {"type": "/problems/store-unavailable", "title": "away"}
FULL = {"type": "/problems/store-full", "title": "full"}


@pytest.fixture
def front() -> WebServer:
    return front_end_of_workers()


def ask(url: str, call: Callable[[RemoteStore], object], token: str = TOKEN) -> object:
    with remote_store(url, token) as store:
        return call(store)


def told(steps: list[Step], call: Callable[[RemoteStore], object]) -> tuple[object, Scripted]:
    with scripted(steps) as server:
        return ask(server.url, call), server


def test_it_goes_on_over_connections_that_break(front: WebServer) -> None:
    ask(front.url, lambda store: store.write(NAME, [BYTES]))
    with CuttingProxy(front.url, [1] * 2) as proxy:
        assert ask(proxy.url, lambda store: store.read(NAME)) == BYTES
        assert not proxy.cuts


def test_a_small_object_is_sent_again_and_a_large_one_is_told_to_have_failed(front: WebServer) -> None:
    with CuttingProxy(front.url, [1000]) as proxy:
        ask(proxy.url, lambda store: store.write(NAME, [BYTES[:5000]], sync=True))
        assert ask(front.url, lambda store: store.read(NAME)) == BYTES[:5000]
        proxy.cuts.append(2_000_000)
        with pytest.raises(StoreUnavailable):
            ask(proxy.url, lambda store: store.write(NAME, [BYTES]))
    assert ask(front.url, lambda store: store.read(NAME)) == BYTES[:5000]


def test_a_front_end_that_is_away_is_told_within_seconds() -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"no answer from http://127.0.0.1:1: .*refused"):
        ask("http://127.0.0.1:1", lambda store: store.read(NAME))
    assert 1 < time.monotonic() - began < 8


def test_a_pause_that_is_asked_for_is_kept() -> None:
    began = time.monotonic()
    _, server = told([answer(503, AWAY, Retry_After="1"), answer(204)], lambda store: store.delete(NAME))
    assert 1 <= time.monotonic() - began < 3
    assert [each.path for each in server.received] == [f"{wire.BASE}/objects/{NAME}"] * 2


def test_a_long_one_is_left_to_whoever_has_the_work() -> None:
    with pytest.raises(StoreUnavailable, match="says 503: away"):
        told([answer(503, AWAY, Retry_After="60")], lambda store: store.delete(NAME))


def test_a_full_store_is_not_asked_again() -> None:
    with pytest.raises(StoreFull):
        told([answer(503, FULL, Retry_After="1")], lambda store: store.delete(NAME))


def test_bytes_that_changed_on_the_way_are_asked_for_again() -> None:
    headers = {"Tingxie_Size": "6", "Content_Digest": wire.digest_header(b'"good"')}
    read, server = told(
        [answer(200, "evil", **headers), answer(200, "good", **headers)], lambda store: store.read(NAME)
    )
    assert read == b'"good"'
    assert len(server.received) == 2


def test_bytes_without_a_digest_are_not_taken() -> None:
    with pytest.raises(StoreUnavailable, match="without their digest"):
        told([answer(200, "bare", Tingxie_Size="6")], lambda store: store.read(NAME))


def test_a_path_that_is_not_there_is_not_a_missing_object() -> None:
    """Else a front end that was started without its token would make windows look lost, and jobs fail."""
    with pytest.raises(StoreUnavailable, match="says 404"):
        told([answer(404, {"type": "/problems/not-found", "title": "Not Found"})], lambda store: store.read(NAME))
    with pytest.raises(ObjectMissing):
        told([answer(404, None, Tingxie_Gone="1")], lambda store: store.read(NAME))


def test_a_list_that_breaks_off_is_no_list() -> None:
    assert list(told([answer(200, 0)], lambda store: list(store.list("jobs/")))[0]) == []  # type: ignore[call-overload]
    with pytest.raises(StoreUnavailable, match="broke off its list"):
        told([answer(200, ["jobs/1/audio", 5, 0.0])], lambda store: list(store.list("jobs/")))


def test_it_refuses_a_worker_with_another_token(front: WebServer) -> None:
    with pytest.raises(SetupError, match="This isn't the worker token") as refused:
        ask(front.url, lambda store: store.check(), "another")
    assert "TINGXIE_WORKER_TOKEN" in refused.value.remedy
    assert int(str(ask(front.url, lambda store: store.check()))) > 0


REFUSING = [
    (answer(404, {"title": "Not Found"}), "says 404: Not Found"),
    (answer(200, "hello"), "isn't a front end of tingxie"),
    (answer(200, {**STORE, "protocol": 99, "version": "9.0"}), "it is tingxie 9.0"),
]


@pytest.mark.parametrize(("step", "line"), REFUSING)
def test_what_is_no_front_end_with_a_store_for_us(step: Step, line: str) -> None:
    with pytest.raises(SetupError, match=line):
        told([step], lambda store: store.check())


def test_a_connection_without_an_answer_is_tried_again() -> None:
    told([hang_up, answer(204)], lambda store: store.delete(NAME))


@pytest.mark.parametrize(
    ("url", "token", "line"),
    [("http://:8000", "t", "names no host"), ("http://front:8000", "", "there is no token for the store at http://f")],
)
def test_an_address_that_cannot_be_used(url: str, token: str, line: str) -> None:
    with pytest.raises(SetupError, match=line):
        open_store(Settings(store_url=url, worker_token=token).store)


def test_the_setting_names_it_and_keeps_the_token_apart(front: WebServer) -> None:
    settings = Settings(store_url=f"{front.url}/", worker_token=TOKEN)
    open_store(settings.store).write(NAME, [b"bytes"])
    assert open_store(settings.store).read(NAME) == b"bytes"
    with pytest.raises(StoreUnavailable) as away:
        open_store(Settings(store_url="http://127.0.0.1:1", worker_token=TOKEN).store).read(NAME)
    assert TOKEN not in str(away.value)
