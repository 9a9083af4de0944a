"""The official OpenAI client, unchanged, against a real server and real workers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx
import openai
import pytest
from openai import OpenAI

from jobs.job import State
from jobs.settings import Settings
from tests.support.databases import Databases
from tests.support.fake_model import SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A front end, a prepare worker and a transcribe worker whose device takes a second for 20 s of audio."""
    folder = tmp_path_factory.mktemp("openai")
    options = {"transcription_grace_s": 1.0, "transcription_silence_s": 4.0, "stream_heartbeat_s": 1.0}
    with databases.one() as redis_url:
        settings = Settings(redis_url=redis_url, data_dir=folder / "data")
        with service(settings, folder / "logs", web=True, environment={SLEEP: "0.05"}, **options) as one:
            yield one


@pytest.fixture
def client(running: Service) -> OpenAI:
    return OpenAI(base_url=f"{running.url}/v1", api_key="unused")


def jobs(running: Service) -> list[State]:
    return [job.state for job in running.ledger.jobs("local")[0]]


def job_of(running: Service) -> str:
    """The newest job, once there is one that runs."""
    return eventually(
        lambda: next((job.id for job in running.ledger.jobs("local")[0] if job.state is State.RUNNING), "")
    )


def test_every_format(running: Service, client: OpenAI) -> None:
    audio = wav(30.0, seed=1)

    def ask(form: str, **more: object) -> object:
        return client.audio.transcriptions.create(
            model="whisper-1",
            file=("a.wav", audio),
            response_format=form,
            **more,  # type: ignore[call-overload]
        )

    plain = ask("json")
    text = plain.text  # type: ignore[attr-defined]
    assert len(text) > 50
    assert ask("text") == text + "\n"
    assert str(ask("srt")).startswith("1\n00:00:0")
    assert str(ask("vtt")).startswith("WEBVTT\n\n00:00:0")
    verbose = ask("verbose_json", language="zh", prompt="x", temperature=0.5)
    assert (verbose.text, verbose.duration, verbose.words) == (text, 30.0, None)  # type: ignore[attr-defined]
    segments = verbose.segments  # type: ignore[attr-defined]
    assert "".join(each.text for each in segments).replace(" ", "") == text.replace(" ", "")
    assert all(0 <= one.start <= one.end <= two.start + 0.1 for one, two in pairwise(segments))
    words = ask("verbose_json", timestamp_granularities=["word"])
    assert words.segments is None  # type: ignore[attr-defined]
    assert "".join(each.word for each in words.words) == text.replace(" ", "")  # type: ignore[attr-defined]
    both = ask("verbose_json", timestamp_granularities=["word", "segment"])
    assert both.segments and both.words  # type: ignore[attr-defined]  # noqa: PT018
    kept = [job for job in running.ledger.jobs("local")[0] if job.filename == "a.wav"]
    assert len(kept) == 3  # the plain ones, that with a language, and those with words: joined where they are the same
    assert kept[0].metadata == {"endpoint": "openai"}


def test_streamed(client: OpenAI) -> None:
    audio = wav(61.0, seed=2)
    stream = client.audio.transcriptions.create(model="fake", file=("b.wav", audio), stream=True)
    events = list(stream)
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    [done] = [event.text for event in events if event.type == "transcript.text.done"]
    assert events[-1].type == "transcript.text.done"
    assert len(deltas) >= 2
    # joined window by window: it differs from the transcript where a sound lies across a seam only
    assert abs(len("".join(deltas)) - len(done)) <= 4
    assert done == client.audio.transcriptions.create(model="fake", file=("b.wav", audio)).text


def test_a_long_answer_begins_with_signs_of_life(running: Service, client: OpenAI) -> None:
    raw = client.audio.transcriptions.with_raw_response
    audio = wav(140.0, seed=7)
    answer = raw.create(model="whisper-1", file=("g.wav", audio))
    assert answer.text.startswith(" ")
    transcription = answer.parse()
    assert len(transcription.text) > 300
    again = raw.create(model="whisper-1", file=("g.wav", audio))
    assert again.text.startswith("{")
    assert again.parse().text == transcription.text


@pytest.mark.full
def test_a_job_that_ends_otherwise_after_the_first_sign_is_no_answer(running: Service) -> None:
    steady = OpenAI(base_url=f"{running.url}/v1", api_key="unused", max_retries=0)
    failed: list[Exception] = []

    def ask() -> None:
        try:
            steady.audio.transcriptions.create(model="whisper-1", file=("h.wav", wav(400.0, seed=8)))
        except openai.APIConnectionError as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    job_id = job_of(running)
    eventually(lambda: running.ledger.now() - running.ledger.job(job_id).created_at > 5.5, every_s=0.2)
    running.ledger.cancel(job_id)
    asking.join(30)
    assert failed


def test_two_at_once_are_one_job(running: Service, client: OpenAI) -> None:
    audio, before = wav(25.0, seed=3), len(jobs(running))
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(client.audio.transcriptions.create, model="whisper-1", file=("c.wav", audio)) for _ in range(4)
        ]
        texts = {each.result(120).text for each in asked}
    assert len(texts) == 1
    assert len(jobs(running)) == before + 1


def test_a_client_that_gives_up_and_asks_again_joins_its_job(running: Service) -> None:
    """As after the default timeout of ten minutes, here a second."""
    impatient = OpenAI(base_url=f"{running.url}/v1", api_key="unused", timeout=1.0, max_retries=10)
    before = len(jobs(running))
    transcription = impatient.audio.transcriptions.create(model="whisper-1", file=("d.wav", wav(80.0, seed=4)))
    assert len(transcription.text) > 100
    assert len(jobs(running)) == before + 1
    assert "transcription.joined" in running.processes["web"].log


def test_who_goes_away_cancels_unless_another_has_joined(running: Service, client: OpenAI) -> None:
    hasty = OpenAI(base_url=f"{running.url}/v1", api_key="unused", timeout=1.5, max_retries=0)
    audio = wav(200.0, seed=5)
    with pytest.raises(openai.APITimeoutError):
        hasty.audio.transcriptions.create(model="whisper-1", file=("e.wav", audio), response_format="text")
    left = job_of(running)
    assert running.wait(left, 20).state is State.CANCELLED
    answers: list[str] = []
    shared = wav(100.0, seed=6)

    def ask() -> None:
        answers.append(client.audio.transcriptions.create(model="whisper-1", file=("f.wav", shared)).text)

    patient = threading.Thread(target=ask)
    patient.start()
    job_of(running)
    with pytest.raises(openai.APITimeoutError):
        hasty.audio.transcriptions.create(model="whisper-1", file=("f.wav", shared))
    patient.join(60)
    assert answers


def test_models(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"fake", "whisper-1", "gpt-4o-transcribe"} <= set(names)
    assert client.models.retrieve("whisper-1").id == "whisper-1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("some/body's")


def test_errors_have_openais_shape(running: Service, client: OpenAI, tmp_path: Path) -> None:
    audio = wav(1.0)

    def fault(kind: type[openai.APIStatusError], ask: Callable[[], object]) -> tuple[object, ...]:
        with pytest.raises(kind) as raised:
            ask()
        error = raised.value
        return error.status_code, error.type, error.code, error.param  # type: ignore[attr-defined]

    create = client.audio.transcriptions.create
    bad = "invalid_request_error"
    found = fault(openai.NotFoundError, lambda: create(model="gpt-9", file=("a.wav", audio)))
    assert found == (404, bad, "model_not_found", "model")
    found = fault(openai.BadRequestError, lambda: create(model="fake", file=("a.wav", audio), temperature=7))
    assert found == (400, bad, "invalid-request", "temperature")
    found = fault(openai.BadRequestError, lambda: create(model="fake", file=("a.txt", b"a poem, no sound" * 9)))
    assert found == (400, bad, "unsupported-format", None)
    found = fault(openai.ConflictError, lambda: create(model="fake", file=("a.mp3", b"\xff\xfb\x90\x64" + bytes(4000))))
    assert found == (409, bad, "audio-unreadable", None)
    raw = httpx.post(f"{running.url}/v1/audio/translations", files={"file": audio}, data={"model": "fake"})
    assert (raw.status_code, raw.json()["error"]["code"]) == (409, "options-conflict")  # only Whisper translates
    raw = httpx.post(f"{running.url}/v1/audio/transcriptions", json={})
    assert (raw.status_code, raw.json()["error"]["type"]) == (400, bad)
    raw = httpx.post(f"{running.url}/v1/audio/transcriptions", files={"file": audio})
    assert (raw.status_code, raw.json()["error"]["param"]) == (400, "model")
    raw = httpx.post(f"{running.url}/v1/audio/transcriptions", files={"other": audio}, data={"model": "fake"})
    assert raw.status_code == 400


def test_an_idempotency_key_repeats_the_answer(running: Service) -> None:
    def ask(audio: bytes) -> httpx.Response:
        return httpx.post(
            f"{running.url}/v1/audio/transcriptions",
            headers={"Idempotency-Key": "once"},
            files={"file": audio},
            data={"model": "fake"},
            timeout=60,
        )

    audio = wav(2.0, seed=9)
    first, again = ask(audio), ask(audio)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    other = ask(wav(2.0, seed=10))
    assert (other.status_code, other.json()["error"]["code"]) == (400, "idempotency-key-reused")
