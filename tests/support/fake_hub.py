"""A Hub on loopback with one model or data set, as far as its clients ask: revisions, commits, discussions, files.

It can ask for a token, be gated, and cut a download once in the middle; a range is answered with what is missing.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAME = "somebody/some-model"
MAIN, CONVERTED, OLDER = ("a" * 40, "b" * 40, "c" * 40)
TITLE = "Adding `safetensors` variant of this model"
DATE = "2026-01-01T00:00:00.000Z"


@dataclass
class Hub:
    """revisions: the folder of each branch. commits: newest first. pull_requests: as the API lists them.

    token: without it the model seems not to exist. gated: its files are for others. cuts: how many bytes of a file go
    out before the connection is cut, the first time. ranges: those that were asked for. kind: models or datasets.
    """

    revisions: dict[str, tuple[str, Path]]
    commits: dict[str, list[str]] = field(default_factory=dict)
    pull_requests: list[dict[str, object]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    token: str = ""
    gated: bool = False
    cuts: dict[str, int] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)
    kind: str = "models"

    def answer(self, path: str) -> object | None:
        """The JSON of an API path, None where there is none."""
        what = path.removeprefix(f"/api/{self.kind}/{NAME}").removeprefix("/") or "revision/main"
        if what.startswith("revision/") and (found := self._revision(what.removeprefix("revision/"))):
            commit, folder = found
            return {"id": NAME, "sha": commit, "siblings": [{"rfilename": file.name} for file in folder.iterdir()]}
        if what.startswith("tree/") and (folder := dict(self.revisions.values()).get(what.removeprefix("tree/"))):
            return [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
                for file in folder.iterdir()
            ]
        if what.startswith("commits/") and (commits := self.commits.get(what.removeprefix("commits/"))):
            return [{"id": one, "authors": [], "date": DATE, "title": "", "message": ""} for one in commits]
        if what == "discussions":
            return {"discussions": self.pull_requests, "count": len(self.pull_requests), "start": 0}
        return None

    def file(self, path: str) -> tuple[str, Path] | None:
        """The commit and the file of a `resolve` path."""
        place = path.removeprefix(f"/{self.kind}" if self.kind != "models" else "")
        name, _, file = place.removeprefix(f"/{NAME}/resolve/").partition("/")
        commit, folder = self._revision(name) or ("", Path("/nowhere"))
        return (commit, folder / file) if (folder / file).is_file() else None

    def has(self, path: str) -> bool:
        """Whether a path is of this repository."""
        return f"/{NAME}/" in path

    def _revision(self, name: str) -> tuple[str, Path] | None:
        """By its branch or its commit."""
        return next((found for branch, found in self.revisions.items() if name in (branch, found[0])), None)


def pull_request(author: str, number: int = 1, title: str = TITLE) -> dict[str, object]:
    return {
        "num": number, "author": {"name": author}, "title": title, "status": "open", "isPullRequest": True,
        "createdAt": DATE, "repo": {"name": NAME, "type": "model"},
    }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(path)
        if self.hub.token and self.headers["Authorization"] != f"Bearer {self.hub.token}":
            self._send(b"{}", {"X-Error-Code": "RepoNotFound"}, 401)
        elif (answer := self.hub.answer(path)) is not None:
            self._send(json.dumps(answer).encode(), {"Content-Type": "application/json"})
        elif not (found := self.hub.file(path)):
            self._send(b"{}", {"X-Error-Code": "EntryNotFound" if self.hub.has(path) else "RepoNotFound"}, 404)
        elif self.hub.gated:
            self._send(b"{}", {"X-Error-Code": "GatedRepo"}, 403)
        else:
            self._send_file(*found)

    do_HEAD = do_GET  # noqa: N815  # the base class's names

    def _send_file(self, commit: str, file: Path) -> None:
        content = file.read_bytes()
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": commit}
        wanted = self.headers["Range"]
        if wanted is None:
            self._send(content, headers, cut=self.hub.cuts.pop(file.name, None) if self.command == "GET" else None)
            return
        self.hub.ranges.append(wanted)
        first = int(wanted.removeprefix("bytes=").partition("-")[0])
        headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self._send(content[first:], headers, 206)

    def _send(self, content: bytes, headers: dict[str, str], status: int = 200, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:cut])

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """Its address, while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
