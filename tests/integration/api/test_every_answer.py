"""What every answer has in common: problems, request ids, security headers, the spec."""

import re
from typing import Any

import httpx
import pytest

from tests.integration.api.test_submit import refused


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/jobs/../../etc/passwd", 404, "not-found"),
        ("GET", "/v1/jobs/0123456789abcdef", 404, "job-not-found"),
        ("GET", "/v1/jobs/%00%0d%0a*", 404, "job-not-found"),
        ("GET", "/v1/jobs/a:b{c}*", 404, "job-not-found"),
        ("PUT", "/v1/jobs", 405, "method-not-allowed"),
        ("PATCH", "/v1/jobs/0123/transcript", 405, "method-not-allowed"),
        ("GET", "/problems/nothing", 404, "not-found"),
    ],
)
def test_problems(http: httpx.Client, *, method: str, path: str, status: int, name: str) -> None:
    answer = http.request(method, path)
    refused(answer, status, name)
    if status == 405:
        assert "GET" in answer.headers["Allow"]
    assert "Traceback" not in answer.text


def test_a_problems_type_tells_its_meaning(http: httpx.Client) -> None:
    problem = http.get("/v1/jobs/0123456789abcdef").json()
    meaning = http.get(problem["type"]).json()
    assert (meaning["type"], meaning["title"]) == (problem["type"], problem["title"])


def test_request_ids(http: httpx.Client) -> None:
    assert http.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    for strange in ["a b", "x" * 65, "<script>"]:
        assert re.fullmatch(r"[0-9a-f]{16}", http.get("/", headers={"X-Request-Id": strange}).headers["X-Request-Id"])


@pytest.mark.parametrize("path", ["/", "/v1/jobs", "/nowhere", "/openapi.json"])
def test_security_headers(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_large_body_that_nobody_wants_is_refused_unread(http: httpx.Client, method: str) -> None:
    path = "/v1/jobs/0123456789abcdef" + ("/cancel" if method == "POST" else "?wait=0")
    refused(http.request(method, path, content=bytes(65_537)), 413, "body-too-large")
    refused(http.request(method, path, content=bytes(64)), 404, "job-not-found")


def test_head_and_options(http: httpx.Client) -> None:
    whole, head = http.get("/v1/models"), http.head("/v1/models")
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(whole.content)))
    told = http.options("/v1/jobs/0123456789abcdef/cancel")
    assert (told.status_code, told.content) == (200, b"")
    assert set(told.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_the_spec_describes_what_is_served(http: httpx.Client) -> None:
    spec = http.get("/openapi.json").json()
    assert spec["openapi"].startswith("3.1")
    operations = {(method, path) for path, found in spec["paths"].items() for method in found}
    assert operations >= {
        ("post", "/v1/jobs"),
        ("get", "/v1/jobs"),
        ("get", "/v1/jobs/{job_id}"),
        ("delete", "/v1/jobs/{job_id}"),
        ("post", "/v1/jobs/{job_id}/cancel"),
        ("get", "/v1/jobs/{job_id}/transcript"),
        ("get", "/v1/models"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    }
    names = set(spec["components"]["schemas"])
    assert {reference.removeprefix("#/components/schemas/") for reference in references(spec)} <= names
    form = spec["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"file", "model", "language", "priority", "metadata"} <= set(form["properties"])


def references(node: Any) -> set[str]:
    """Every $ref below a node of the spec."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set()
