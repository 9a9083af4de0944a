"""A job's audio fetched by URL: what arrives, what goes on after a break, what fails and how."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.errors import FetchFailed, FetchRefused, JobError
from jobs.job import State
from jobs.ledger import Ledger, PrepareUnit, Refused, keys
from jobs.outgoing import AllowedHosts
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from tests.support import ledger as given
from tests.support.dns_stub import DnsStub
from tests.support.hostile import LITERAL, NAMED
from tests.support.receiver import Received, Receiver, Reply
from tests.support.speechlike import wav
from worker import fetch as fetching
from worker.fetch import PAUSES_S, Fetch
from worker.outgoing import Outgoing
from worker.prepare import prepare
from worker.recover_command import rebuild

#: of a part and the chunk that ends it, four at least
AUDIO = wav(20.0)
ETAG = {"ETag": '"v1"'}


def ranged(audio: bytes, *, etag: str = '"v1"', cut_after: int | None = None) -> Callable[[Received], Reply]:
    """A server of one file that knows ranges; cut_after: bytes of each answer, after which the connection breaks."""

    def answer(request: Received) -> Reply:
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if not found or request.headers.get("if-range") != etag:
            return Reply(200, audio, {"ETag": etag}, cut_after)
        start = int(found[1])
        said = {"ETag": etag, "Content-Range": f"bytes {start}-{len(audio) - 1}/{len(audio)}"}
        return Reply(206, audio[start:], said, cut_after)

    return answer


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(ranged(AUDIO), host="127.0.0.2") as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.open(str(tmp_path / "store"))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"lease_s": 1000.0, "allowed_hosts": "127.0.0.2/32", "prepare_slice_s": 0.01})


class Job:
    """A job that is to be fetched; `attempt` is one claim of its prepare."""

    def __init__(self, url: str, ledger: Ledger, store: FolderStore, settings: Settings, redis: Redis) -> None:
        self.ledger, self.store, self.settings, self.redis = ledger, store, settings, redis
        ledger.announce(given.spec())
        asked = given.request(source_url=url, size_bytes=0, sha256="")
        store.write(layout.job_record(asked.id), [asked.model_dump_json().encode()])
        ledger.create(asked)
        self.id = asked.id

    def claim(self) -> PrepareUnit:
        self.wake()
        return given.claim_prepare(self.ledger)

    def wake(self) -> None:
        """The pause is over."""
        self.redis.zadd(keys.key("resting"), {self.id: 1.0}, xx=True)
        self.ledger.wake_resting()

    def fetch(
        self,
        unit: PrepareUnit,
        *,
        others_wait: bool = False,
        draining: bool = False,
        outgoing: Outgoing | None = None,
    ) -> bool:
        return Fetch(
            unit,
            self.ledger,
            self.store,
            self.settings,
            outgoing or Outgoing(self.settings.allowed),
            should_yield=lambda: others_wait,
            is_draining=lambda: draining,
        ).run()

    def attempt(self, *, others_wait: bool = False, draining: bool = False) -> bool:
        return self.fetch(self.claim(), others_wait=others_wait, draining=draining)

    def audio(self) -> bytes:
        assert not list(self.store.list(layout.fetched(self.id)))
        return self.store.read(layout.audio(self.id))

    def fails(self) -> str:
        """The type of the error of the attempt."""
        with pytest.raises(JobError) as caught:
            self.attempt()
        return caught.value.type


@pytest.fixture
def job(server: Receiver, ledger: Ledger, store: FolderStore, settings: Settings, redis: Redis) -> Job:
    return Job(f"{server.url}/talk.wav?token=secret", Ledger.connect(settings), store, settings, redis)


def test_the_file_arrives(job: Job, server: Receiver) -> None:
    unit = job.claim()
    assert job.fetch(unit)
    assert job.audio() == AUDIO
    assert job.fetch(unit)  # it's there
    [request] = server.requests
    assert (request.path, request.headers["accept-encoding"]) == ("/talk.wav?token=secret", "identity")


def test_a_broken_download_goes_on_where_it_ended(job: Job, server: Receiver) -> None:
    server.answer = ranged(AUDIO, cut_after=150_000)
    assert not job.attempt()
    assert job.ledger.claim_prepare("cpu", given.claim_id()) is None  # it rests
    assert not job.attempt()  # 20,044 are missing still
    server.answer = ranged(AUDIO)
    assert job.attempt()
    assert job.audio() == AUDIO
    starts = [request.headers.get("range") for request in server.requests]
    assert starts[0] is None
    first, second = (int(str(start).removeprefix("bytes=").removesuffix("-")) for start in starts[1:])
    assert 0 < first < second <= len(AUDIO)


def test_a_file_that_changed_meanwhile_is_fetched_anew(job: Job, server: Receiver) -> None:
    server.answer = ranged(AUDIO[:100_000], cut_after=50_000)
    assert not job.attempt()
    server.answer = ranged(AUDIO, etag='"v2"')
    assert job.attempt()
    assert job.audio() == AUDIO


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}, {"ETag": '"v1"', "Accept-Ranges": "none"}])
def test_what_can_not_be_resumed_is_fetched_anew(job: Job, server: Receiver, headers: dict[str, str]) -> None:
    server.answer = lambda _request: Reply(200, AUDIO, headers, cut_after=200_000)
    assert not job.attempt()
    server.answer = lambda _request: Reply(200, AUDIO, headers)
    assert job.attempt()
    assert job.audio() == AUDIO
    assert "range" not in server.requests[1].headers


def test_others_come_in_between(job: Job, server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ASK_S", 0.0)
    job.settings = job.settings.model_copy(update={"prepare_slice_s": 1e-9})
    while not job.attempt(others_wait=True):
        assert len(server.requests) < 20
    assert job.audio() == AUDIO
    assert len(server.requests) > 2


@pytest.mark.parametrize("way", ["cancel", "delete"])
def test_a_job_that_ends_meanwhile_is_fetched_no_further(job: Job, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ASK_S", 0.0)
    unit = job.claim()
    getattr(job.ledger, way)(job.id)
    with pytest.raises(Refused):
        job.fetch(unit)
    assert not job.store.exists(layout.audio(job.id))


def test_a_draining_process_gives_it_up(job: Job) -> None:
    assert not job.attempt(draining=True)
    assert job.attempt()
    assert job.audio() == AUDIO


def test_a_killed_process_loses_the_part_in_hand(job: Job, monkeypatch: pytest.MonkeyPatch, server: Receiver) -> None:
    monkeypatch.setattr(fetching, "PART_BYTES", 100_000)
    kept, write = [], FolderStore.write

    def die_at_the_third(self: FolderStore, name: str, *arguments: object, **options: object) -> object:
        if name.endswith("000002"):
            raise KeyboardInterrupt
        kept.append(name)
        return write(self, name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(FolderStore, "write", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        job.attempt()
    monkeypatch.setattr(FolderStore, "write", write)
    given.lapse(job.redis, "cpu")
    job.ledger.reap()
    assert job.attempt()
    assert job.audio() == AUDIO
    assert int(server.requests[1].headers["range"].removeprefix("bytes=").removesuffix("-")) >= 200_000


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), "fetch-not-found"),
        (Reply(410), "fetch-not-found"),
        (Reply(401), "fetch-denied"),
        (Reply(403), "fetch-denied"),
        (Reply(400), "fetch-failed"),
        (Reply(204), "fetch-failed"),
        (Reply(200), "audio-empty"),
        (Reply(200, b"<!doctype html><title>Sign in</title>"), "fetch-not-audio"),
        (Reply(200, b"<!doctype html>" + b"x" * 100_000, ETAG), "fetch-not-audio"),
        (Reply(200, AUDIO, {"Content-Encoding": "gzip"}), "fetch-failed"),
        (Reply(302, b"", {"Location": "http://169.254.169.254/latest/"}), "fetch-refused"),
        (Reply(302, b"", {"Location": "http://127.0.0.1/"}), "fetch-refused"),
    ],
)
def test_what_fails_for_good(job: Job, server: Receiver, reply: Reply, error: str) -> None:
    server.answer = lambda _request: reply
    assert job.fails() == error
    assert len(server.requests) == 1


def test_too_large_by_its_header_or_by_what_comes(job: Job, server: Receiver) -> None:
    job.settings = job.settings.model_copy(update={"max_upload_bytes": 100_000})
    unit = job.claim()
    with pytest.raises(JobError) as caught:
        job.fetch(unit)
    assert caught.value.type == "fetch-too-large"
    # HTTP/1.0: no length, the end of the connection ends the file
    server.answer = lambda _request: Reply(200, AUDIO, {"Content-Length": ""})
    with pytest.raises(JobError) as caught:
        job.fetch(unit)
    assert caught.value.type == "fetch-too-large"


def test_a_server_that_stays_away_fails_the_job_in_the_end(job: Job, server: Receiver) -> None:
    server.answer = lambda _request: Reply(503, headers={"Retry-After": "77"})
    for _ in PAUSES_S:
        before = job.ledger.now()
        assert not job.attempt()
        [(_, due_at)] = job.redis.zrange(keys.key("resting"), 0, -1, withscores=True)
        assert due_at - before >= 77
    with pytest.raises(FetchFailed, match=r"6 attempts.*503"):
        job.attempt()


def test_the_time_is_bounded(job: Job, server: Receiver) -> None:
    server.answer = lambda _request: Reply(503)
    assert not job.attempt()
    job.settings = job.settings.model_copy(update={"fetch_timeout_s": 1e-6})
    assert job.fails() == "fetch-failed"
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", LITERAL)
def test_a_hostile_url_fails_its_job(
    url: str, ledger: Ledger, store: FolderStore, settings: Settings, redis: Redis
) -> None:
    if not url:
        return  # no URL at all: an upload
    job = Job(url, ledger, store, settings.model_copy(update={"allowed_hosts": ""}), redis)
    unit = job.claim()
    prepare(unit, ledger, store, settings, should_yield=lambda: False, fetched=lambda: job.fetch(unit))
    ended = ledger.job(job.id)
    assert ended.state is State.FAILED
    assert ended.error is not None
    assert ended.error["type"] == "fetch-refused"


@pytest.mark.parametrize("name", NAMED)
def test_a_name_with_a_hostile_address_fails_its_job(
    name: str, ledger: Ledger, store: FolderStore, settings: Settings, redis: Redis
) -> None:
    job = Job(f"https://{name}/talk.wav", ledger, store, settings, redis)
    with DnsStub({name: [NAMED[name]]}) as names, pytest.raises(FetchRefused, match=name):
        job.fetch(job.claim(), outgoing=Outgoing(AllowedHosts(), look_up=names.look_up))


def test_rebinding_between_two_attempts_fails_the_job(
    ledger: Ledger, store: FolderStore, settings: Settings, redis: Redis
) -> None:
    with (
        Receiver(lambda _request: Reply(200, AUDIO)) as secret,
        Receiver(ranged(AUDIO, cut_after=100_000), host="127.0.0.2", port=secret.port),
        DnsStub({"rebind.example": [["127.0.0.2"], ["127.0.0.1"]]}) as names,
    ):
        job = Job(f"http://rebind.example:{secret.port}/talk.wav", ledger, store, settings, redis)
        outgoing = Outgoing(settings.allowed, look_up=names.look_up)
        assert not job.fetch(job.claim(), outgoing=outgoing)
        with pytest.raises(FetchRefused, match=r"127\.0\.0\.1"):
            job.fetch(job.claim(), outgoing=outgoing)
        assert not secret.requests


def test_recover_enters_what_was_never_fetched(job: Job, redis: Redis) -> None:
    redis.flushdb()
    job.ledger.announce(given.spec())
    assert rebuild(job.ledger, job.store).entered == 1
    assert job.attempt()
    assert job.audio() == AUDIO
