"""One owner can't see, guess, cancel or time another's: over every route that the application has."""

import re
import time
from collections.abc import Callable, Iterator
from statistics import median

import pytest
from redis import Redis
from werkzeug.routing import Rule

from jobs.settings import Settings
from tests.integration.api.keyed import Holder, Holders
from tests.integration.api.server import WebServer
from tests.integration.api.test_batches import send, urls
from tests.integration.api.test_poll import submit
from tests.integration.api.test_uploads import BYTES, begin
from web.app import create_app
from web.auth import is_open_path

#: well-formed, and nobody's
NOBODYS = "0123456789abcdef0123456789abcdef"


def _delivery(mine: Holder) -> str:
    mine.client.post("/v1/webhooks/secrets")
    return str(mine.client.post("/v1/webhooks/test", json={"url": "https://hooks.example/"}).json()["id"])


#: argument of a route → makes such a thing for a holder and returns its id; a route whose argument isn't here is still
#: asked for a thing that doesn't exist
MAKERS: dict[str, Callable[[Holder, bytes], str]] = {
    "job_id": lambda mine, recording: submit(mine.client, recording),
    "batch_id": lambda mine, _: send(mine.client, *urls(1)).rpartition("/")[2],
    "upload_id": lambda mine, recording: begin(mine.client, len(recording)).rpartition("/")[2],
    "secret_id": lambda mine, _: str(mine.client.post("/v1/webhooks/secrets").json()["id"]),
    "delivery_id": lambda mine, _: _delivery(mine),
}
#: what some routes ask for before they look at the id
HEADERS = {**BYTES, "Upload-Offset": "0"}


def routes() -> Iterator[tuple[str, Rule]]:
    """(method, rule) of each route that names a thing of somebody's."""
    app = create_app(Settings(), None, None, None)  # type: ignore[arg-type]  # only its routes are looked at
    for rule in app.url_map.iter_rules():
        if rule.arguments and not is_open_path(rule.rule) and rule.endpoint != "static":
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule


@pytest.fixture
def mine(keyed_server: WebServer, hold: Holders, redis: Redis) -> Holder:
    return hold(keyed_server)


@pytest.fixture
def stranger(keyed_server: WebServer, hold: Holders, redis: Redis) -> Holder:
    return hold(keyed_server)


@pytest.mark.parametrize(("method", "rule"), [pytest.param(*each, id=f"{each[0]} {each[1].rule}") for each in routes()])
def test_anothers_is_as_good_as_none(
    mine: Holder, stranger: Holder, recording: bytes, *, method: str, rule: Rule
) -> None:
    made = {name: MAKERS[name](mine, recording) for name in rule.arguments if name in MAKERS}
    anothers = {name: made.get(name, NOBODYS) for name in rule.arguments}
    answers = []
    for ids in (anothers, dict.fromkeys(rule.arguments, NOBODYS)):
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found, ids=ids: ids[found[1]], rule.rule)
        answer = stranger.client.request(method, path, headers=HEADERS)
        body = re.sub(r'"request_id":"\w+"', "", answer.text)
        for one in ids.values():
            body = body.replace(one, "ID")
        answers.append((answer.status_code, body, sorted(set(answer.headers) - {"date"})))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404 if made else 400 <= answers[0][0] < 500
    if "job_id" in made:
        assert mine.client.get(f"/v1/jobs/{made['job_id']}").json()["state"] == "queued"


def test_lists_hold_only_ones_own(mine: Holder, stranger: Holder, recording: bytes) -> None:
    submit(mine.client, recording)
    assert stranger.client.get("/v1/jobs").json() == {"jobs": [], "next_cursor": None}


def test_anothers_takes_as_long_as_none(mine: Holder, stranger: Holder, recording: bytes) -> None:
    """By pairs: of two that take the same time, each is the slower one in half of the pairs. Best of three rounds."""
    path = f"/v1/jobs/{submit(mine.client, recording)}"
    shares = []
    for _ in range(3):
        slower = 0
        for turn in range(300):
            asked = [path, f"/v1/jobs/{NOBODYS}"]
            took = {each: _seconds(stranger, each) for each in (asked if turn % 2 else reversed(asked))}
            slower += took[asked[0]] > took[asked[1]]
        shares.append(slower / 300)
        if abs(shares[-1] - 0.5) < 0.12:  # four standard deviations
            return
    pytest.fail(f"another's job is the slower one in {median(shares):.0%} of the pairs")


def _seconds(asking: Holder, path: str) -> float:
    began = time.perf_counter()
    assert asking.client.get(path).status_code == 404
    return time.perf_counter() - began
