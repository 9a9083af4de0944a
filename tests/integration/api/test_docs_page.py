"""/docs: the page loads all that it needs from here, and may load nothing from elsewhere."""

import hashlib
import re
from importlib import resources

import httpx
import pytest

from tests.integration.api.test_submit import refused

VERSION = (resources.files("web") / "swagger_ui" / "VERSION").read_text()
HASHES = dict(reversed(line.split("  ")) for line in VERSION.splitlines()[1:])  # type: ignore[misc]


def test_the_page_takes_everything_from_here(http: httpx.Client) -> None:
    page = http.get("/docs")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(asked) == 5
    for path in asked:
        assert ":" not in path or path == "data:,"
        if path != "data:,":
            assert http.get(f"/{path}").status_code == 200
    policy = dict(rule.strip().split(" ", 1) for rule in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    start = http.get("/docs/start.js").text
    assert "validatorUrl: null" in start
    assert 'url: "openapi.json"' in start


@pytest.mark.parametrize("name", sorted(HASHES))
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_swagger_ui_is_as_it_was_published(http: httpx.Client, name: str, coding: str) -> None:
    part = http.get(f"/docs/{name}", headers={"Accept-Encoding": coding})
    assert hashlib.sha256(part.content).hexdigest() == HASHES[name]
    assert part.headers.get("Content-Encoding", "identity") == coding
    assert part.headers["Content-Type"].partition(";")[0] in ("text/javascript", "text/css")


def test_nothing_else_of_the_folder_is_served(http: httpx.Client) -> None:
    for name in ("VERSION", "index.html", "..%2Fapp.py", "swagger-ui.css.gz"):
        refused(http.get(f"/docs/{name}"), 404, "not-found")
    refused(http.get("/static/swagger-ui.css"), 404, "not-found")
