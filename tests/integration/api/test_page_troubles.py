"""The page's words for what goes wrong: whatever a person can meet there has some, in each language."""

import json
import re
from importlib import resources
from pathlib import Path

import httpx

from jobs.errors import JobError
from web.problems import error_kinds

LINES = (resources.files("web") / "page" / "troubles.js").read_text().splitlines()
TROUBLES = {
    name: json.loads(texts) for name, texts in re.findall(r'^  "([a-z-]+)": (\[.*\]),$', "\n".join(LINES), re.MULTILINE)
}
DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
#: what the page asks of the server on a person's behalf
ASKED = (
    ("post", "/v1/jobs"),
    ("get", "/v1/jobs"),
    ("get", "/v1/jobs/{job_id}"),
    ("delete", "/v1/jobs/{job_id}"),
    ("post", "/v1/jobs/{job_id}/cancel"),
    ("post", "/v1/jobs/{job_id}/retry"),
    ("get", "/v1/jobs/{job_id}/transcript"),
    ("post", "/v1/uploads"),
    ("patch", "/v1/uploads/{upload_id}"),
    ("head", "/v1/uploads/{upload_id}"),
    ("post", "/session"),
)
#: and what its own requests are never refused for: they are well-formed, and name no idempotency key and no webhook
NEVER = {
    "body-too-large",
    "headers-too-large",
    "idempotency-key-in-use",
    "idempotency-key-reused",
    "malformed-body",
    "malformed-request",
    "not-from-page",
    "unsupported-media-type",
    "upload-header",
    "upload-media-type",
    "upload-protocol",
    "uri-too-long",
    "webhook-secret-missing",
}


def refusals(spec: dict[str, object], method: str, path: str) -> set[str]:
    """The types of problem that a request may be answered with, as the server's own description names them."""
    found: set[str] = set()
    for answer in spec["paths"][path][method]["responses"].values():  # type: ignore[index]
        found |= set(answer.get("content", {}).get("application/problem+json", {}).get("examples", {}))
    return found


def test_whatever_a_person_can_meet_has_words_in_each_language(http: httpx.Client) -> None:
    spec = http.get("/openapi.json").json()
    met = {kind.type for kind in error_kinds(JobError)}
    met |= set(re.findall(r"`([a-z-]+)`", DOCS.partition("Warnings of jobs (")[2].partition("Their titles")[0]))
    asked = set().union(*(refusals(spec, *each) for each in ASKED))
    assert {"upload-too-large", "unsupported-format", "quota-used-up", "url-refused"} <= asked
    assert (met | asked) - NEVER - {"warnings"} - set(TROUBLES) == set()


def test_they_are_in_the_languages_that_they_say() -> None:
    assert len(TROUBLES) == sum(line.startswith('  "') for line in LINES) > 50
    for name, (english, traditional, simplified) in TROUBLES.items():
        assert english is None or english.isascii() or "’" in english, name
        assert re.search(r"[\u4e00-\u9fff]{4}.*。$", traditional), name
        assert re.search(r"[\u4e00-\u9fff]{4}.*。$", simplified), name
        assert not set(traditional) & set("档录转说这无请编错过时间频点"), name
        assert not set(simplified) & set("檔錄轉說這無請編錯過時間頻點"), name
