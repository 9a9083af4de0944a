"""A Hub on loopback with one model, as far as huggingface_hub asks: revisions, commits, discussions, files."""

import hashlib
import json
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
    """revisions: the folder of each branch. commits: newest first. pull_requests: as the API lists them."""

    revisions: dict[str, tuple[str, Path]]
    commits: dict[str, list[str]] = field(default_factory=dict)
    pull_requests: list[dict[str, object]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> object | None:
        """The JSON of an API path, None where there is none."""
        what = path.removeprefix(f"/api/models/{NAME}/")
        if what.startswith("revision/") and (found := self.revisions.get(what.removeprefix("revision/"))):
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
        parts = path.removeprefix(f"/{NAME}/resolve/").split("/")
        folders = dict(self.revisions.values())
        found = folders.get(parts[0], Path("/nowhere")) / parts[-1]
        return (parts[0], found) if found.is_file() else None


def pull_request(author: str, number: int = 1, title: str = TITLE) -> dict[str, object]:
    return {
        "num": number, "author": {"name": author}, "title": title, "status": "open", "isPullRequest": True,
        "createdAt": DATE, "repo": {"name": NAME, "type": "model"},
    }  # fmt: skip


def serve(hub: Hub) -> ThreadingHTTPServer:
    """A server on a free port; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(path)
            if (answer := hub.answer(path)) is not None:
                self._send(json.dumps(answer).encode(), {"Content-Type": "application/json"})
            elif found := hub.file(path):
                commit, file = found
                content = file.read_bytes()
                self._send(content, {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": commit})
            else:
                self._send(b"{}", {"X-Error-Code": "RepoNotFound"}, 404)

        do_HEAD = do_GET  # noqa: N815  # the base class's names

        def _send(self, content: bytes, headers: dict[str, str], status: int = 200) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
