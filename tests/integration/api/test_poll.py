"""Polling, waiting, listing, cancelling and deleting, over a job that goes through every state."""

import threading
import time

import httpx
import pytest

from jobs.errors import AudioUnreadable, Problem
from jobs.store import AudioStore, layout
from jobs.transcript import Segment
from tests.integration.api.fake_worker import TEXT, FakeWorker, transcript
from tests.integration.api.test_submit import refused
from tests.support.waiting import eventually


def submit(http: httpx.Client, recording: bytes, name: str = "talk.wav") -> str:
    answer = http.post("/v1/jobs", params={"filename": name}, content=recording)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def test_a_job_from_queued_to_succeeded(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    waiting = http.get(path).json()
    assert (waiting["state"], waiting["stage"]) == ("queued", "waiting_for_worker")
    model = worker.serve()
    worker.prepare()
    running = http.get(path)
    assert (running.json()["state"], running.json()["duration_s"]) == ("running", 0.5)
    assert "Retry-After" in running.headers
    early = http.get(f"{path}/transcript")
    refused(early, 409, "transcript-not-ready")
    assert int(early.headers["Retry-After"]) >= 1
    worker.transcribe(model)
    assert http.get(path).json()["partial_text"] == TEXT
    worker.finish()
    done = http.get(path)
    assert (done.json()["state"], done.json()["covered_s"], done.json()["progress"]) == ("succeeded", 0.5, 1.0)
    assert "Retry-After" not in done.headers


def test_an_unchanged_record_is_304(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    etag = http.get(path).headers["ETag"]
    again = http.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    worker.succeed()
    changed = http.get(path, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


@pytest.mark.parametrize("header", [False, True], ids=["query", "prefer"])
def test_a_waiting_poll_is_answered_when_the_state_changes(
    http: httpx.Client, recording: bytes, worker: FakeWorker, *, header: bool
) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    answers: list[httpx.Response] = []

    def poll() -> None:
        asked = {"headers": {"Prefer": "wait=50"}} if header else {"params": {"wait": "50"}}
        answers.append(http.get(path, **asked))  # type: ignore[arg-type]

    waiter = threading.Thread(target=poll)
    began = time.monotonic()
    waiter.start()
    http.get(path)  # another client isn't held up
    assert not answers
    worker.serve()
    worker.prepare()
    waiter.join(45)
    assert answers[0].json()["state"] == "running"
    assert time.monotonic() - began < 45
    assert answers[0].headers.get("Preference-Applied") == ("wait=50" if header else None)


def test_a_waiting_poll_that_knows_the_record_is_answered_by_any_change(
    http: httpx.Client, recording: bytes, worker: FakeWorker
) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    model = worker.serve()
    worker.prepare()
    etag = http.get(path).headers["ETag"]
    answers: list[httpx.Response] = []
    known = {"If-None-Match": etag}
    waiter = threading.Thread(target=lambda: answers.append(http.get(f"{path}?wait=50", headers=known)))
    waiter.start()
    worker.transcribe(model)
    waiter.join(45)
    assert (answers[0].status_code, answers[0].json()["partial_text"]) == (200, TEXT)


def test_a_wait_without_a_change_ends_in_time(http: httpx.Client, recording: bytes) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    etag = http.get(path).headers["ETag"]
    began = time.monotonic()
    assert http.get(f"{path}?wait=0.5", headers={"If-None-Match": etag}).status_code == 304
    assert 0.5 <= time.monotonic() - began < 20
    refused(http.get(f"{path}?wait=-1"), 422, "invalid-request")


def test_the_list_pages_and_filters(http: httpx.Client, recording: bytes) -> None:
    made = [submit(http, recording, f"{n}.wav") for n in range(5)]
    http.post(f"/v1/jobs/{made[2]}/cancel")
    first = http.get("/v1/jobs?limit=3").json()
    rest = http.get("/v1/jobs", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in first["jobs"] + rest["jobs"]] == made[::-1]
    assert rest["next_cursor"] is None
    cancelled = http.get("/v1/jobs?state=cancelled").json()["jobs"]
    assert [job["id"] for job in cancelled] == [made[2]]
    refused(http.get("/v1/jobs?state=lost"), 422, "invalid-request")
    refused(http.get("/v1/jobs?limit=0"), 422, "invalid-request")
    refused(http.get("/v1/jobs?stat=queued"), 422, "invalid-request")
    refused(http.get("/v1/jobs?cursor=1.2.3:nonsense"), 422, "invalid-request")


def test_the_list_by_time_name_notes_and_several_states(http: httpx.Client, recording: bytes) -> None:
    def names(**query: object) -> list[str]:
        return [job["filename"] for job in http.get("/v1/jobs", params=query).json()["jobs"]]  # type: ignore[arg-type]

    for n in range(3):
        query = {"filename": f"Talk-{n}.wav", "metadata[room]": f"蓝{n % 2}", "metadata[n]": str(n)}
        made = http.post("/v1/jobs", params=query, content=recording).json()
        if n == 1:
            middle = made
    http.post(f"/v1/jobs/{middle['id']}/cancel")
    assert names(created_after=middle["created_at"]) == ["Talk-2.wav", "Talk-1.wav"]
    assert names(created_before=middle["created_at"]) == ["Talk-0.wav"]
    assert names(filename="talk-2") == ["Talk-2.wav"]
    assert names(**{"metadata[room]": "蓝0"}) == ["Talk-2.wav", "Talk-0.wav"]
    assert names(**{"metadata[room]": "蓝0", "metadata[n]": "0"}) == ["Talk-0.wav"]
    assert names(state=["queued", "cancelled"]) == ["Talk-2.wav", "Talk-1.wav", "Talk-0.wav"]
    assert names(state="cancelled", filename="0") == []


def test_an_unchanged_list_is_304(http: httpx.Client, recording: bytes) -> None:
    job_id = submit(http, recording)
    etag = http.get("/v1/jobs").headers["ETag"]
    assert http.get("/v1/jobs", headers={"If-None-Match": etag}).status_code == 304
    http.post(f"/v1/jobs/{job_id}/cancel")
    assert http.get("/v1/jobs", headers={"If-None-Match": etag}).status_code == 200


def test_cancel_is_at_once_and_for_good(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    assert http.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert http.post(f"{path}/cancel").json()["state"] == "cancelled"
    refused(http.get(f"{path}/transcript"), 409, "job-cancelled")
    done = submit(http, recording)
    assert worker.succeed() == done
    assert http.post(f"/v1/jobs/{done}/cancel").json()["state"] == "succeeded"


def test_a_deleted_job_is_unknown(http: httpx.Client, recording: bytes) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    gone = http.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for method, where in [("GET", path), ("DELETE", path), ("POST", f"{path}/cancel"), ("GET", f"{path}/transcript")]:
        refused(http.request(method, where), 404, "job-not-found")
    assert http.get("/v1/jobs").json()["jobs"] == []


def test_a_failed_job_tells_why(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    worker.fail(Problem.of(AudioUnreadable("it holds a poem")))
    job = http.get(path).json()
    assert job["state"] == "failed"
    assert (job["error"]["type"], job["error"]["detail"]) == ("audio-unreadable", "it holds a poem")
    assert job["error"]["title"]
    assert job["error"]["remedy"]
    problem = refused(http.get(f"{path}/transcript"), 409, "audio-unreadable")
    assert problem["detail"] == "it holds a poem"


@pytest.mark.parametrize(
    ("form", "media_type", "text"),
    [
        ("txt", "text/plain", "你好\n"),
        ("srt", "application/x-subrip", "1\n00:00:00,100 --> 00:00:01,100\n你好\n"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.100 --> 00:00:01.100\n你好\n"),
        ("tsv", "text/tab-separated-values", "start\tend\ttext\n100\t400\t你好\n"),
        ("txt&timestamps=true", "text/plain", "[00:00:00] 你好\n"),
    ],
)
def test_transcript_formats(
    http: httpx.Client, recording: bytes, worker: FakeWorker, *, form: str, media_type: str, text: str
) -> None:
    job_id = submit(http, recording, '说 "x"\r\n.wav')
    worker.succeed()
    answer = http.get(f"/v1/jobs/{job_id}/transcript?format={form}")
    assert answer.text == text
    assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    extension = form.partition("&")[0]
    expected = f"attachment; filename=\"_ _x_.{extension}\"; filename*=UTF-8''%E8%AF%B4%20%22x%22.{extension}"
    assert answer.headers["Content-Disposition"] == expected


def test_subtitles_in_the_shape_that_is_asked_for(
    http: httpx.Client, recording: bytes, worker: FakeWorker, store: AudioStore
) -> None:
    job_id = submit(http, recording)
    worker.succeed()
    told = Segment(id=0, start_s=0.0, end_s=6.0, text="一" * 21 + "二" * 21)
    written = transcript(job_id).model_copy(update={"segments": [told], "chars": None})
    store.write(layout.transcript(job_id), [written.model_dump_json().encode()])
    path = f"/v1/jobs/{job_id}/transcript"
    assert http.get(f"{path}?format=srt").text.splitlines()[2:] == ["一" * 21, "二" * 21]
    assert http.get(f"{path}?format=vtt&columns=84&lines=1").text.splitlines()[3:] == ["一" * 21 + "二" * 21]
    lines = http.get(f"{path}?format=srt&columns=20&lines=1").text.splitlines()
    assert max(len(line) for line in lines if line.strip("一二") == "") == 10
    for wrong in ("lines=3", "columns=19", "columns=201"):
        refused(http.get(f"{path}?format=srt&{wrong}"), 422, "invalid-request")


def test_the_json_transcript_is_the_stored_document(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    job_id = submit(http, recording)
    worker.succeed()
    document = http.get(f"/v1/jobs/{job_id}/transcript").json()
    assert (document["job_id"], document["text"], len(document["chars"])) == (job_id, TEXT, 2)
    etag = http.get(f"/v1/jobs/{job_id}/transcript").headers["ETag"]
    known = {"If-None-Match": etag}
    assert http.get(f"/v1/jobs/{job_id}/transcript", headers=known).status_code == 304
    assert http.get(f"/v1/jobs/{job_id}/transcript?format=srt", headers=known).status_code == 200
    refused(http.get(f"/v1/jobs/{job_id}/transcript?format=docx"), 422, "invalid-request")


def test_models_and_readiness(http: httpx.Client, worker: FakeWorker) -> None:
    assert http.get("/v1/models").json() == {"object": "list", "data": []}
    early = http.get("/readyz")
    assert early.status_code == 503
    assert (early.json()["ready"], early.json()["accepting"], early.json()["working"]) == (False, True, False)
    assert http.get("/readyz?want=accepting").status_code == 200
    model = worker.serve()
    [served] = [each for each in http.get("/v1/models").json()["data"] if not each["alias_of"]]
    assert (served["id"], served["workers"], served["family"]) == (model.model, 1, "ctc")
    assert eventually(lambda: http.get("/readyz")).json()["ready"] is True
