"""The plain poll is answered before Flask, and must answer as the view does: headers, body, problems."""

import re

import httpx
import pytest

from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.keyed import Holders
from tests.integration.api.server import WebServer
from tests.integration.api.test_poll import submit
from tests.integration.api.test_submit import refused

#: what differs from one answer to the next by itself
OWN = {"date", "x-request-id", "ratelimit"}


def alike(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    """Both ways' answers, compared; a query sends the second one to the view."""
    fast, slow = client.get(path, headers=headers), client.get(f"{path}?wait=0", headers=headers)
    shown = [
        (
            answer.status_code,
            re.sub(r'"request_id":"\w+"|"(eta_s|queue_ahead_s)":[^,]*', "", answer.text),
            {name: value for name, value in answer.headers.items() if name not in OWN},
        )
        for answer in (fast, slow)
    ]
    assert shown[0] == shown[1]
    assert set(fast.headers) == set(slow.headers)
    return fast


@pytest.mark.parametrize("state", ["queued", "succeeded"])
def test_a_job(http: httpx.Client, recording: bytes, worker: FakeWorker, state: str) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    if state == "succeeded":
        worker.succeed()
    answer = alike(http, path, **{"X-Request-Id": "mine"})
    assert (answer.json()["state"], answer.headers["X-Request-Id"]) == (state, "mine")
    tag = answer.headers["ETag"]
    for known in (tag, f'"a", {tag.removeprefix("W/")}', "*"):
        assert alike(http, path, **{"If-None-Match": known}).status_code == 304
    for other in ('"a"', "nonsense", ""):
        assert alike(http, path, **{"If-None-Match": other}).status_code == 200


def test_problems(web_server: WebServer, http: httpx.Client) -> None:
    assert alike(http, "/v1/jobs/0123").status_code == 404
    assert alike(http, f"/v1/jobs/{'é'}").status_code == 404


def test_a_key_that_is_missing_or_used_up(
    keyed_server: WebServer, hold: Holders, recording: bytes, redis: object
) -> None:
    mine = hold(keyed_server)
    path = f"/v1/jobs/{submit(mine.client, recording)}"
    assert alike(mine.client, path).status_code == 200
    assert alike(keyed_server.client, path).status_code == 401
    assert alike(hold(keyed_server).client, path).status_code == 404


def test_a_body_that_nobody_reads(http: httpx.Client, recording: bytes) -> None:
    path = f"/v1/jobs/{submit(http, recording)}"
    refused(http.request("GET", path, content=bytes(65_537)), 413, "body-too-large")
    assert http.get(path).is_success
