"""Both clients against a scripted server: what they send, what they make of the answers, when they try again."""

import asyncio
import inspect
from base64 import b64decode
from collections.abc import Callable
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tingxie.scripted_server import JOB, Received, Scripted, answer, events, hang_up, scripted
from tingxie import AsyncClient, Client, Event, Job, SubmitOptions, Transcript
from tingxie.errors import JobNotEnded, JobUnknown, RateLimited, RequestRefused, ServerFault, ServerUnreachable

ALIVE = answer(200, {"status": "ok"})
ENDED = {**JOB, "state": "succeeded", "progress": 1.0}
TRANSCRIPT = {
    "job_id": "j1",
    "model": "m",
    "revision": "r",
    "language": None,
    "duration_s": 2.0,
    "text": "你好",
    "confidence": 0.9,
    "segments": [{"id": 0, "start_s": 0.1, "end_s": 0.9, "text": "你好", "confidence": 0.9, "channel": None}],
    "words": [],
    "chars": [{"text": "你", "start_s": 0.1, "end_s": 0.2, "confidence": 0.8}],
    "later": "a field of a newer server",
}
AWAY = answer(503, {"title": "Away"}, Retry_After="7")
LIMITED = answer(429, {"title": "Too many requests"}, Retry_After="3")


class Twin:
    """A client of either kind, called the same way; `pauses` are the waits that it asked for."""

    def __init__(self, kind: str, server: Scripted, **options: Any) -> None:
        self.pauses: list[float] = []
        self._kind, self._url, self._options = kind, server.url, options

    def __call__(self, name: str, *arguments: Any, **named: Any) -> Any:
        if self._kind == "sync":
            with Client(self._url, pause=self.pauses.append, **self._options) as client:
                client.check_alive()
                result = getattr(client, name)(*arguments, **named)
                return list(result) if inspect.isgenerator(result) else result
        return asyncio.run(self._call(name, arguments, named))

    async def _call(self, name: str, arguments: Any, named: Any) -> Any:
        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        async with AsyncClient(self._url, pause=pause, **self._options) as client:
            await client.check_alive()
            result = getattr(client, name)(*arguments, **named)
            return [each async for each in result] if inspect.isasyncgen(result) else await result


def parts_of(sent: Received) -> dict[str, bytes]:
    """The form that was sent, by the email library's reading."""
    head = f"Content-Type: {sent.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + sent.body, policy=HTTP).iter_parts()
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}


Make = Callable[..., Twin]


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Make:
    return lambda server, **options: Twin(request.param, server, **options)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"RIFF" * 200_000)
    return path


def test_a_file_and_its_options_are_sent(twin: Make, talk: Path) -> None:
    options = SubmitOptions(language="zh", metadata={"case": "42"}, skip_silence=True)
    told: list[int] = []
    with scripted([ALIVE, answer(202, JOB)]) as server:
        job = twin(server, api_key="tx_1")("submit", talk, options=options, on_bytes=told.append)
    assert isinstance(job, Job)
    assert job.id == "j1"
    sent = server.received[1]
    assert parts_of(sent) == {
        "language": b"zh",
        "metadata": b'{"case": "42"}',
        "skip_silence": b"true",
        "file": talk.read_bytes(),
    }
    assert told[-1] == talk.stat().st_size
    assert sent.headers["Authorization"] == "Bearer tx_1"


@pytest.mark.parametrize("trouble", [AWAY, LIMITED, hang_up])
def test_an_upload_is_repeated_whole_under_the_same_key(twin: Make, talk: Path, trouble: Any) -> None:
    with scripted([ALIVE, trouble, answer(202, JOB)]) as server:
        assert twin(server)("submit", talk).id == "j1"
    first, second = server.received[1:]
    assert parts_of(second)["file"] == talk.read_bytes()
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] != ""


def test_the_server_says_how_long_to_wait(twin: Make) -> None:
    with scripted([ALIVE, AWAY, LIMITED, answer(200, JOB)]) as server:
        client = twin(server)
        assert client("status", "j1").state == "queued"
    assert client.pauses == [7.0, 3.0]


def test_a_wait_longer_than_our_patience_is_not_begun(twin: Make) -> None:
    with scripted([ALIVE, LIMITED]) as server:
        client = twin(server, patience_s=2.0)
        with pytest.raises(RateLimited) as caught:
            client("status", "j1")
    assert caught.value.retry_after_s == 3.0
    assert client.pauses == []


def test_a_server_that_was_never_there_is_reported_at_once() -> None:
    with scripted([]) as server:
        pass
    pauses: list[float] = []
    with Client(server.url, pause=pauses.append) as client, pytest.raises(ServerUnreachable, match=server.url):
        client.status("j1")
    assert pauses == []


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (answer(404, {"title": "There is no such job"}), JobUnknown),
        (answer(409, {"type": "/problems/transcript-not-ready", "title": "Not yet"}), JobNotEnded),
        (answer(422, {"title": "Wrong"}), RequestRefused),
        (answer(500, {"title": "Broken"}), ServerFault),
        (answer(200, ["no job"]), ServerFault),
    ],
)
def test_other_errors_are_not_repeated(twin: Make, step: Any, error: type[Exception]) -> None:
    with scripted([ALIVE, step]) as server, pytest.raises(error):
        twin(server)("status", "j1")
    assert len(server.received) == 2


def test_wait_polls_to_the_end_and_shows_the_way(twin: Make) -> None:
    running = {**JOB, "state": "running", "progress": 0.5}
    seen: list[Job] = []
    with scripted([ALIVE, answer(200, JOB), hang_up, answer(200, running), answer(200, ENDED)]) as server:
        assert twin(server)("wait", "j1", on_change=seen.append).succeeded
    assert [job.state for job in seen] == ["queued", "running", "succeeded"]


def test_wait_gives_up_in_time(twin: Make) -> None:
    with scripted([ALIVE, answer(200, JOB)]) as server, pytest.raises(TimeoutError, match="j1"):
        twin(server)("wait", "j1", timeout_s=0.0)


def test_a_transcript_is_typed(twin: Make) -> None:
    with scripted([ALIVE, answer(200, TRANSCRIPT)]) as server:
        transcript = twin(server)("transcript", "j1")
    assert isinstance(transcript, Transcript)
    assert transcript.text == "你好"
    assert transcript.segments[0].end_s == 0.9
    assert transcript.chars is not None
    assert transcript.chars[0].confidence == 0.8
    assert transcript.raw["later"]


def test_events_go_on_after_a_cut_without_loss_or_repetition(twin: Make) -> None:
    begin, middle = ("1", "state", {"state": "running"}), ("2", "text", {"delta": "你"})
    end = ("3", "end", {"state": "succeeded"})
    script = [ALIVE, events(begin, middle, cut=True), hang_up, AWAY, events(), events(end)]
    with scripted(script) as server:
        found = twin(server)("events", "j1")
    assert found == [Event(number, kind, data) for number, kind, data in (begin, middle, end)]
    assert [each.headers.get("Last-Event-Id") or each.headers.get("Last-Event-ID") for each in server.received[1:]] == [
        None,
        "2",
        "2",
        "2",
        "2",
    ]


BEGUN = answer(201, None, Location="/v1/uploads/u1", Upload_Offset="0")
WHOLE = answer(204, None, Upload_Offset="800000", Tingxie_Job="/v1/jobs/j1")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch, talk: Path) -> Path:
    """A file that counts as large."""
    monkeypatch.setattr("tingxie.client.RESUMABLE_BYTES", talk.stat().st_size)
    monkeypatch.setattr("tingxie.async_client.RESUMABLE_BYTES", talk.stat().st_size)
    return talk


def test_of_a_large_file_only_what_is_missing_is_sent_again(twin: Make, large: Path) -> None:
    stands = answer(200, None, Upload_Offset="300000")
    told: list[int] = []
    with scripted([ALIVE, BEGUN, hang_up, stands, WHOLE, answer(200, JOB)]) as server:
        client = twin(server)
        job = client("submit", large, options=SubmitOptions(script="t2s"), on_bytes=told.append)
    assert job.id == "j1"
    begin, first, asked, second, _ = server.received[1:]
    pairs = dict(pair.split(" ") for pair in begin.headers["Upload-Metadata"].split(","))
    assert {name: b64decode(text).decode() for name, text in pairs.items()} == {
        "filename": "talk.wav",
        "submit": "true",
        "script": "t2s",
    }
    assert begin.headers["Upload-Length"] == "800000"
    assert (first.method, first.headers["Upload-Offset"], first.body) == ("PATCH", "0", large.read_bytes())
    assert (asked.method, asked.path) == ("HEAD", "/v1/uploads/u1")
    assert (second.headers["Upload-Offset"], second.body) == ("300000", large.read_bytes()[300_000:])
    assert told[-1] == 800_000
    assert len(client.pauses) == 1


@pytest.mark.parametrize(("status", "kind"), [(423, "upload-locked"), (409, "upload-offset-mismatch")])
def test_an_upload_that_another_request_holds_is_asked_about(twin: Make, large: Path, status: int, kind: str) -> None:
    elsewhere = answer(status, {"type": f"/problems/{kind}", "title": "Not now"})
    stands = answer(200, None, Upload_Offset="800000")
    with scripted([ALIVE, BEGUN, elsewhere, stands, WHOLE, answer(200, JOB)]) as server:
        assert twin(server)("submit", large).id == "j1"
    assert server.received[4].body == b""


def test_a_large_file_that_is_refused_is_not_sent_again(twin: Make, large: Path) -> None:
    with scripted([ALIVE, BEGUN, answer(415, {"title": "The file isn't audio"})]) as server:
        with pytest.raises(RequestRefused, match="isn't audio"):
            twin(server)("submit", large)
        assert len(server.received) == 3


def test_each_job_is_read_page_by_page(twin: Make) -> None:
    pages = [
        {"jobs": [JOB, {**JOB, "id": "j2"}], "next_cursor": "c1"},
        {"jobs": [{**JOB, "id": "j3"}], "next_cursor": None},
    ]
    with scripted([ALIVE, *[answer(200, page) for page in pages]]) as server:
        found = twin(server)("each_job", state="queued", at_a_time=2)
    assert [job.id for job in found] == ["j1", "j2", "j3"]
    asked = ["/v1/jobs?state=queued&limit=2", "/v1/jobs?state=queued&limit=2&cursor=c1"]
    assert [sent.path for sent in server.received[1:]] == asked


def test_the_twins_offer_the_same() -> None:
    def public(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in vars(kind).items()
            if not name.startswith("_") or name == "__init__"
        }

    assert public(Client) == public(AsyncClient)
