"""The way out: what is refused, for fetches and for webhooks, and what is not."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from jobs.addresses import why_forbidden
from jobs.errors import UrlRefused
from jobs.outgoing import AllowedHosts, check_url, redacted
from jobs.settings import Settings
from tests.support.dns_stub import DnsStub
from tests.support.hostile import LITERAL, NAMED
from tests.support.receiver import Received, Receiver, Reply
from worker.outgoing import Limits, Outgoing, RequestFailed

LIMITS = Limits(connect_s=2.0, idle_s=2.0, total_s=5.0)
#: as fetches and webhooks use the guard
WAYS = {"fetch": {"method": "GET", "redirects": 5}, "webhook": {"method": "POST", "body": b"{}"}}


def send(outgoing: Outgoing, url: str, way: str = "fetch", limits: Limits = LIMITS) -> tuple[int, bytes]:
    with outgoing.request(url=url, limits=limits, **WAYS[way]) as answer:  # type: ignore[arg-type]
        return answer.status, b"".join(answer.chunks())


@pytest.fixture
def names() -> Iterator[DnsStub]:
    with DnsStub({name: [addresses] for name, addresses in NAMED.items()}) as stub:
        yield stub


@pytest.fixture
def secret() -> Iterator[Receiver]:
    """What nobody may reach: a server on this machine."""
    with Receiver(lambda _request: Reply(body=b"secret")) as server:
        yield server


@pytest.fixture
def public() -> Iterator[Receiver]:
    """A server that stands for the public internet: the only one that the setting lets in."""
    with Receiver(host="127.0.0.2") as server:
        yield server


def outgoing_to(public: Receiver, names: DnsStub) -> Outgoing:
    return Outgoing(AllowedHosts.parse(f"{public.host}/32"), look_up=names.look_up)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", LITERAL)
def test_a_hostile_url_is_refused(url: str, way: str) -> None:
    def nobody_is_asked(name: str, port: int) -> list[str]:
        raise AssertionError(f"{name} was looked up")

    with pytest.raises(UrlRefused):
        send(Outgoing(AllowedHosts(), look_up=nobody_is_asked), url, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMED)
def test_a_name_with_a_hostile_address_is_refused(name: str, way: str, names: DnsStub) -> None:
    with pytest.raises(UrlRefused, match=name):
        send(Outgoing(AllowedHosts(), look_up=names.look_up), f"https://{name}/a.wav", way)


@pytest.mark.parametrize("port", [80, 8080])
@pytest.mark.parametrize("name", NAMED)
def test_a_lan_that_is_let_in_opens_no_other_network(name: str, port: int, names: DnsStub) -> None:
    outgoing = Outgoing(AllowedHosts.parse("192.168.77.0/24"), look_up=names.look_up)
    with pytest.raises(UrlRefused, match=name):
        send(outgoing, f"http://{name}:{port}/a.wav")


def test_metadata_stays_refused_whatever_is_let_in() -> None:
    allowed = AllowedHosts.parse("0.0.0.0/0, ::/0, 169.254.169.254:80")
    for url in ("http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://[::ffff:169.254.169.254]/"):
        with pytest.raises(UrlRefused, match="metadata"):
            check_url(url, allowed)
    assert check_url("http://10.0.0.1:9000/", allowed).port == 9000


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}/", "http://loop.example:{port}/", "//127.0.0.1:{port}/",
                                   "http://[::ffff:127.0.0.1]:{port}/", "http://2130706433:{port}/", "file:///etc/passwd",
                                   "http://169.254.169.254/latest/", "http://metadata.example/"])  # fmt: skip
def test_a_redirect_is_judged_like_the_first_url(
    where: str, public: Receiver, secret: Receiver, names: DnsStub
) -> None:
    public.answer = lambda _request: Reply(302, headers={"Location": where.format(port=secret.port)})
    with pytest.raises(UrlRefused):
        send(outgoing_to(public, names), f"{public.url}/a.wav")
    assert send(outgoing_to(public, names), f"{public.url}/hook", "webhook") == (302, b"")
    assert not secret.requests


def test_redirects_are_followed_five_times(public: Receiver, names: DnsStub) -> None:
    def hop(request: Received) -> Reply:
        left = int(request.path.removeprefix("/"))
        return Reply(307, headers={"Location": f"{left - 1}"}) if left else Reply(body=b"there")

    public.answer = hop
    assert send(outgoing_to(public, names), f"{public.url}/5") == (200, b"there")
    with pytest.raises(RequestFailed, match="5 redirects"):
        send(outgoing_to(public, names), f"{public.url}/6")


@pytest.mark.parametrize("way", WAYS)
def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_judged(
    way: str, public: Receiver, secret: Receiver, names: DnsStub
) -> None:
    """DNS rebinding: the second answer, and all after it, would lead to this machine."""
    names.names["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    allowed = AllowedHosts.parse("127.0.0.2/32")
    with Receiver(lambda _request: Reply(body=b"right"), host="127.0.0.2", port=secret.port) as right:
        outgoing = Outgoing(allowed, look_up=names.look_up)
        url = f"http://rebind.example:{secret.port}/a.wav"
        assert send(outgoing, url, way) == (200, b"right")
        assert names.asked == ["rebind.example"]
        assert right.requests[0].headers["host"] == f"rebind.example:{secret.port}"
        with pytest.raises(UrlRefused, match=r"127\.0\.0\.1"):
            send(outgoing, url, way)
    assert not secret.requests


def test_rebinding_between_two_redirects_is_refused(secret: Receiver, names: DnsStub) -> None:
    names.names["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    again = Reply(302, headers={"Location": f"http://rebind.example:{secret.port}/again"})
    with Receiver(lambda _request: again, host="127.0.0.2", port=secret.port):
        outgoing = Outgoing(AllowedHosts.parse("127.0.0.2/32"), look_up=names.look_up)
        with pytest.raises(UrlRefused, match=r"127\.0\.0\.1"):
            send(outgoing, f"http://rebind.example:{secret.port}/")
    assert not secret.requests


def test_a_host_that_is_let_in_is_let_in_on_its_port_only(secret: Receiver, names: DnsStub) -> None:
    outgoing = Outgoing(AllowedHosts.parse(f"loop.example:{secret.port}"), look_up=names.look_up)
    assert send(outgoing, f"http://LOOP.example.:{secret.port}/x?y=%20z#f") == (200, b"secret")
    assert secret.requests[0].path == "/x?y=%20z"
    for other in (f"http://127.0.0.1:{secret.port}/", "http://loop.example/", "http://loop.example:22/"):
        with pytest.raises(UrlRefused):
            send(outgoing, other)


def test_a_proxy_of_the_environment_is_ignored(
    public: Receiver, secret: Receiver, names: DnsStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, secret.url)
    assert send(outgoing_to(public, names), f"{public.url}/a.wav")[0] == 200
    assert not secret.requests


def test_another_address_is_tried_where_one_does_not_answer(public: Receiver, names: DnsStub) -> None:
    names.names["two.example"] = [["127.0.0.3", "127.0.0.2"]]
    outgoing = Outgoing(AllowedHosts.parse("127.0.0.2/31"), look_up=names.look_up)
    assert send(outgoing, f"http://two.example:{public.port}/")[0] == 200


def test_the_certificate_is_checked_by_name(names: DnsStub) -> None:
    """The connection goes to an address, the certificate must be the name's: here it is nobody's."""
    names.names["tls.example"] = [["127.0.0.2"]]
    asked: list[str | None] = []
    with socket.create_server(("127.0.0.2", 0)) as listening:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = lambda _socket, name, _context: asked.append(name)  # type: ignore[assignment]

        def greet() -> None:
            connection, _ = listening.accept()
            with connection, pytest.raises(OSError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=greet)
        thread.start()
        outgoing = Outgoing(AllowedHosts.parse("127.0.0.2/32"), look_up=names.look_up)
        with pytest.raises(RequestFailed):
            send(outgoing, f"https://tls.example:{listening.getsockname()[1]}/")
        thread.join()
    assert asked == ["tls.example"]


def test_a_server_that_drips_is_given_up(names: DnsStub) -> None:
    """Each byte comes well within the idle limit; the whole has a limit of its own."""
    with socket.create_server(("127.0.0.2", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    while True:
                        connection.sendall(b"H")
                        time.sleep(0.02)
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        outgoing = Outgoing(AllowedHosts.parse("127.0.0.2/32"), look_up=names.look_up)
        began = time.monotonic()
        with pytest.raises(RequestFailed):
            send(outgoing, f"http://127.0.0.2:{listening.getsockname()[1]}/", limits=Limits(1.0, 1.0, 0.4))
        assert time.monotonic() - began < 2.0
        thread.join()


def test_a_look_up_that_hangs_is_given_up() -> None:
    gone = threading.Event()

    def hang(name: str, port: int) -> list[str]:
        gone.wait(20)
        return []

    with pytest.raises(RequestFailed, match="not resolved"):
        send(Outgoing(AllowedHosts(), look_up=hang), "http://slow.example/", limits=Limits(0.1, 1.0, 1.0))
    gone.set()


def test_failures_are_told(public: Receiver, names: DnsStub) -> None:
    with pytest.raises(RequestFailed, match=r"none\.example can't be resolved"):
        send(outgoing_to(public, names), "http://none.example/")
    with socket.create_server(("127.0.0.2", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(RequestFailed, match="refused"):
        send(outgoing_to(public, names), f"http://127.0.0.2:{port}/")
    public.answer = lambda _request: Reply(body=b"0123456789", cut_after=4)
    with pytest.raises(RequestFailed, match=r"127\.0\.0\.2"):
        send(outgoing_to(public, names), f"{public.url}/")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::808:808", "192.0.1.1"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert why_forbidden(ip_address(address)) is None


def test_an_international_name_becomes_ascii() -> None:
    target = check_url("https://例え.jp/音?題=一", AllowedHosts())
    assert (target.host, target.path) == ("xn--r8jz45g.jp", "/%E9%9F%B3?%E9%A1%8C=%E4%B8%80")


@pytest.mark.parametrize("entry", ["nas.lan", "10.0.0.0/33", "http://nas.lan:80", "a b:1", "nas.lan:0", "127.1:80"])
def test_a_setting_that_can_not_be_read_is_refused(entry: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither"):
        Settings(allowed_hosts=f"10.0.0.0/8,{entry}", data_dir=tmp_path)


def test_log_lines_hold_no_query() -> None:
    assert redacted("https://a.example/x?token=1#f") == "https://a.example/x"
