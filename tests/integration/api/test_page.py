"""The page as it is served: to whom, how large, under which policy; and the cookie that signs it in."""

import hashlib
import re
from importlib import resources

import httpx
import pytest

from tests.integration.api.keyed import Holders
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused
from web.auth import COOKIE, FROM_PAGE

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
FOLDER = resources.files("web") / "page"
HASHES = dict(reversed(line.split("  ")) for line in (FOLDER / "VERSION").read_text().splitlines()[1:])  # type: ignore[misc]
OURS = {FROM_PAGE: "1"}


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html;q=0.5, application/json", ""])
def test_programs_get_json(http: httpx.Client, accept: str) -> None:
    answer = http.get("/", headers={"Accept": accept})
    assert answer.json()["links"]["jobs"] == "/v1/jobs"
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize("path", ["/", "/status"])
def test_browsers_get_the_page(http: httpx.Client, path: str) -> None:
    page = http.get(path, headers={"Accept": BROWSER})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(rule.strip().split(" ", 1) for rule in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'", "'script'"}
    assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", page.text)


def test_all_of_it_is_small_and_from_here(http: httpx.Client) -> None:
    names = [each.name.removesuffix(".gz") for each in FOLDER.iterdir() if each.name not in ("VERSION", "index.html")]
    size = len(http.get("/", headers={"Accept": BROWSER}).content)
    for name in names:
        if name.endswith(".txt"):
            refused(http.get(f"/page/{name}"), 404, "not-found")
            continue
        part = http.get(f"/page/{name}")
        assert part.status_code == 200, name
        if name not in HASHES:
            links = set(re.findall(r"https?://[^\s\"'`)]+", part.text))
            assert links <= {"https://", "http://www.w3.org/2000/svg", "https?://.+"}, name
            assert "innerHTML" not in part.text, name
        size += len(part.content)
    assert size < 300_000


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("name", sorted(HASHES))
def test_what_others_wrote_is_as_it_was_published(http: httpx.Client, name: str, coding: str) -> None:
    part = http.get(f"/page/{name}", headers={"Accept-Encoding": coding})
    assert hashlib.sha256(part.content).hexdigest() == HASHES[name]
    assert part.headers.get("Content-Encoding", "identity") == coding
    known = http.get(f"/page/{name}", headers={"Accept-Encoding": coding, "If-None-Match": part.headers["ETag"]})
    assert known.status_code == 304


def test_without_keys_nobody_signs_in(http: httpx.Client) -> None:
    assert http.get("/session").json()["wants_key"] is False


def test_a_key_becomes_a_cookie(keyed_server: WebServer, hold: Holders) -> None:
    holder = hold(keyed_server, owner="ann")
    with httpx.Client(base_url=keyed_server.url) as browser:
        assert browser.get("/session").json() == {"wants_key": True, "signed_in": False, "owner": None, "scopes": []}
        refused(browser.post("/session", json={"key": "tx_no"}, headers=OURS), 401, "key-unknown")
        refused(browser.post("/session", json={"key": holder.token}), 403, "not-from-page")
        signed = browser.post("/session", json={"key": holder.token}, headers=OURS)
        assert signed.json()["owner"] == "ann"
        cookie = signed.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert browser.get("/v1/jobs").status_code == 200
        gone = browser.delete("/session", headers=OURS)
        assert gone.status_code == 204
        assert COOKIE not in browser.cookies
        refused(browser.get("/v1/jobs"), 401, "key-required")


def test_a_cookie_alone_changes_nothing(keyed_server: WebServer, hold: Holders) -> None:
    """A form on another site could send it, were it not for SameSite; the header it couldn't."""
    holder = hold(keyed_server)
    with httpx.Client(base_url=keyed_server.url, cookies={COOKIE: holder.token}) as browser:
        for method, path in (("POST", "/v1/jobs"), ("POST", "/v1/uploads"), ("DELETE", f"/v1/jobs/{'0' * 32}")):
            headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
            refused(browser.request(method, path, headers=headers), 403, "not-from-page")
            assert browser.request(method, path, headers={**headers, **OURS}).status_code not in (401, 403)
