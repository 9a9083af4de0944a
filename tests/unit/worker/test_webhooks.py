"""The sender of webhooks at the edges that no receiver sees: hostile names, rebinding, no secret."""

import threading
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from jobs.ledger import Ledger, keys
from jobs.outgoing import AllowedHosts
from jobs.settings import Settings
from jobs.store import FolderStore, open_store
from jobs.webhook import Attempt, Secrets
from tests.support.dns_stub import DnsStub
from tests.support.hostile import LITERAL, NAMED
from tests.support.receiver import Received, Receiver, Reply
from tests.support.waiting import eventually
from worker.outgoing import Outgoing
from worker.webhooks import Webhooks

Send = Callable[..., list[Attempt]]


@pytest.fixture
def names() -> Iterator[DnsStub]:
    with DnsStub({name: [addresses] for name, addresses in NAMED.items()}) as stub:
        yield stub


@pytest.fixture
def store(settings: Settings) -> FolderStore:
    store = open_store(settings.store)
    assert isinstance(store, FolderStore)
    return store


@pytest.fixture
def send(ledger: Ledger, store: FolderStore, settings: Settings, names: DnsStub, redis: Redis) -> Send:
    """Deliver once to a URL and return the log."""
    entered = 0

    def deliver(url: str, *, allowed: str = "", replay: bool = False) -> list[Attempt]:
        nonlocal entered
        entered += not replay
        delivery_id = f"msg_{entered}"
        ledger.test_delivery(delivery_id, "local", url)
        before = len(ledger.delivery(delivery_id, "local")[1])
        redis.zadd(keys.key("webhooks_due"), {delivery_id: 1.0})
        outgoing = Outgoing(AllowedHosts.parse(allowed), look_up=names.look_up)
        Webhooks(ledger, store, settings, outgoing, incarnation="cpu").deliver()
        eventually(lambda: len(ledger.delivery(delivery_id, "local")[1]) > before)
        return ledger.delivery(delivery_id, "local")[1]

    return deliver


@pytest.mark.parametrize("name", NAMED)
def test_a_name_with_a_hostile_address_gets_nothing(name: str, send: Send, store: FolderStore) -> None:
    Secrets(store).create("local")
    [attempt] = send(f"https://{name}/hook")
    assert attempt.status is None
    assert name in attempt.error


@pytest.mark.parametrize("url", [url for url in LITERAL if url])
def test_a_hostile_url_gets_nothing(url: str, send: Send, store: FolderStore, names: DnsStub) -> None:
    Secrets(store).create("local")
    [attempt] = send(url)
    assert attempt.status is None
    assert attempt.error
    assert not names.asked


def test_rebinding_gets_nothing(send: Send, store: FolderStore, names: DnsStub) -> None:
    """The first delivery goes to the address that was judged; at the next the name leads to this machine."""
    Secrets(store).create("local")
    names.names["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    with (
        Receiver() as secret,
        Receiver(lambda _request: Reply(500), host="127.0.0.2", port=secret.port) as right,
    ):
        url = f"http://rebind.example:{secret.port}/"
        assert [attempt.status for attempt in send(url, allowed="127.0.0.2/32")] == [500]
        log = send(url, allowed="127.0.0.2/32", replay=True)
        assert [attempt.status for attempt in log] == [500, None]
        assert "127.0.0.1" in log[1].error
        assert len(right.requests) == 1
        assert not secret.requests


def test_a_receiver_that_hangs_holds_up_nobody(
    ledger: Ledger, store: FolderStore, settings: Settings, names: DnsStub
) -> None:
    Secrets(store).create("local")
    go_on = threading.Event()

    def hang(_request: Received) -> Reply:
        go_on.wait(20)
        return Reply(200)

    with Receiver(hang, host="127.0.0.2") as hanging, Receiver(host="127.0.0.2") as other:
        for n in range(5):
            ledger.test_delivery(f"msg_hanging_{n}", "local", f"{hanging.url}/{n}")
        ledger.test_delivery("msg_other", "local", other.url)
        outgoing = Outgoing(AllowedHosts.parse("127.0.0.2/32"), look_up=names.look_up)
        sender = Webhooks(ledger, store, settings, outgoing, incarnation="cpu")
        sender.deliver()
        eventually(lambda: ledger.delivery("msg_other", "local")[0].state == "delivered")
        eventually(lambda: len(hanging.requests) == 2)
        go_on.set()

        def all_delivered() -> bool:
            sender.deliver()
            return all(ledger.delivery(f"msg_hanging_{n}", "local")[0].state == "delivered" for n in range(5))

        eventually(all_delivered)
        assert len(hanging.requests) == 5


def test_nothing_is_sent_unsigned(send: Send) -> None:
    with Receiver(host="127.0.0.2") as receiver:
        [attempt] = send(f"{receiver.url}/", allowed="127.0.0.2/32")
        assert "secret" in attempt.error
        assert not receiver.requests
