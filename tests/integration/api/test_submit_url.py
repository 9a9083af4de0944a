"""POST /v1/jobs with a URL: a record in the store and in the ledger at once, nothing fetched by the front end."""

import httpx
import pytest

from jobs.job import JobRequest
from jobs.ledger import Ledger
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused


def test_a_url_is_accepted_at_once(web: WebServer, ledger: Ledger) -> None:
    url = "https://sounds.example/a%20b.mp3?token=1"
    answer = web.client.post("/v1/jobs?priority=high", json={"url": url, "metadata": {"a": "b"}})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["Location"] == job["links"]["self"]
    assert (job["source_url"], job["filename"], job["state"]) == (url, "a b.mp3", "queued")
    assert (job["priority"], job["metadata"]) == ("high", {"a": "b"})
    request = JobRequest.model_validate_json((web.store / "jobs" / job["id"] / "job.json").read_bytes())
    assert (request.source_url, request.size_bytes) == (url, 0)
    assert ledger.job(job["id"]).source_url == web.client.get(job["links"]["self"]).json()["source_url"] == url
    assert "token" not in web.log


def test_its_name_may_be_given(http: httpx.Client) -> None:
    answer = http.post("/v1/jobs", json={"url": "https://sounds.example/", "filename": "talk.mp3"})
    assert answer.json()["filename"] == "talk.mp3"
    assert http.post("/v1/jobs", json={"url": "https://sounds.example/"}).json()["filename"] == "audio"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/a.wav", "http://169.254.169.254/", "http://0x7f.1/", "http://a@b/", "http://a.example:22/"],
)
def test_what_needs_no_look_up_is_refused_at_once(web: WebServer, url: str) -> None:
    before = web.stored()
    refused(web.client.post("/v1/jobs", json={"url": url}), 403, "url-refused")
    assert web.stored() == before


@pytest.mark.parametrize(
    "body", [{}, {"url": "ftp://a.example/"}, {"url": 7}, {"url": "https://a.example/", "wat": 1}, [], "x"]
)
def test_what_does_not_fit_the_schema(http: httpx.Client, body: object) -> None:
    refused(http.post("/v1/jobs", json=body), 422, "invalid-request")


def test_what_is_no_json(http: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    refused(http.post("/v1/jobs", content=b"{", headers=headers), 400, "malformed-body")
    refused(http.post("/v1/jobs", content=b" " * 100_000, headers=headers), 413, "body-too-large")
