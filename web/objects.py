"""/internal/objects: the store's objects for workers on other machines, but those that no worker needs (API keys)."""

import hashlib
import json
from collections.abc import Iterator
from itertools import chain

from flask import Response, request

from jobs.errors import InvalidRequest, RequestError, UploadChecksumMismatch
from jobs.store import Measured, wire
from jobs.store.interface import ObjectInfo
from web.answers import empty_answer, json_answer
from web.internal import guarded
from web.openapi import takes
from web.services import services
from web.upload import body_pieces

READ, WRITE, REMOVE = "read", "write", "remove"
#: what workers do where: the sweep removes uploads and batches, webhooks are signed, a probe tries the store
RIGHTS = {
    "jobs": {READ, WRITE, REMOVE},
    "models": {READ, WRITE},
    "batches": {READ, REMOVE},
    "incoming": {READ, REMOVE},
    "webhooks": {READ},
    "probe": {READ, WRITE, REMOVE},
}
BYTES = "application/octet-stream"
DIGEST_BYTES = hashlib.sha256().digest_size

blueprint = guarded("objects")


class ObjectRefused(RequestError):
    type = "object-refused"
    title = "Workers have no business with this object"
    remedy = "Do this where the store itself is."
    status = 403


@blueprint.get("/objects/<path:name>")
def read(name: str) -> Response:
    """One range of it, cut to what we hold in memory; none of it is there beyond its end."""
    objects = services().store
    found = objects.info(allowed(name, READ))
    headers = {wire.SIZE: str(found.size_bytes), wire.MODIFIED: repr(found.modified_at)}
    if request.method == "HEAD":
        return Response(headers=headers, content_type=BYTES)
    start, stop = _range(found.size_bytes)
    data = b"".join(objects.chunks(name, start, stop)) if start < stop else b""
    headers[wire.DIGEST] = wire.digest_header(data)
    if data and (start, stop) != (0, found.size_bytes):
        headers["Content-Range"] = f"bytes {start}-{start + len(data) - 1}/{found.size_bytes}"
        return Response(data, 206, headers=headers, content_type=BYTES)
    return Response(data, headers=headers, content_type=BYTES)


@blueprint.put("/objects/<path:name>")
@blueprint.doc(extensions=takes(streams=True))
def write(name: str) -> Response:
    objects = services().store
    allowed(name, WRITE)
    if source := request.args.get("from"):
        objects.copy(allowed(source, READ), name)
        return empty_answer()
    body = _Body(body_pieces(request))
    objects.write(name, body, sync="sync" in request.args)
    stored = body.measured.stored
    return json_answer({"size_bytes": stored.size_bytes, "sha256": stored.sha256})


@blueprint.delete("/objects/<path:name>")
def remove(name: str) -> Response:
    services().store.delete(allowed(name, REMOVE))
    return empty_answer()


@blueprint.get("/objects")
def names() -> Response:
    found = services().store.list(_prefix(READ))
    first = next(found, None)  # a store that is away says so before the answer begins
    return Response(_lines(chain(filter(None, [first]), found)), content_type="application/x-ndjson")


@blueprint.delete("/objects")
def remove_all() -> Response:
    prefix = _prefix(REMOVE)
    if prefix.count("/") < len(("jobs", "id")):
        raise ObjectRefused(f"Nobody removes all of {prefix}.")
    return json_answer({"removed": services().store.delete_all(prefix)})


def allowed(name: str, right: str) -> str:
    """The name, if workers may do that with it. Raises ObjectRefused, for a name that leads elsewhere too."""
    try:
        folder, slash, _ = wire.checked(name).partition("/")
    except ValueError:
        folder = slash = ""
    if not slash or right not in RIGHTS.get(folder, ()):
        raise ObjectRefused(f"No worker may {right} {name[:100]!r}.")
    return name


def _range(size: int) -> tuple[int, int]:
    """[start, stop) of the bytes to send."""
    ranges = request.range.ranges if request.range is not None and request.range.units == "bytes" else [(0, None)]
    start, stop = ranges[0]
    start = max(0, size + start) if start < 0 else start
    return start, min(size if stop is None else stop, size, start + wire.PIECE_BYTES)


def _prefix(right: str) -> str:
    prefix = request.args.get("prefix", "")
    if not prefix.endswith("/"):
        raise InvalidRequest("`prefix` names a folder, with its slash.")
    allowed(f"{prefix}any", right)
    return prefix


class _Body:
    """A request's body, to be gone through once; it is an object only if it has its digest.

    Raises InvalidRequest where no digest is told, and UploadChecksumMismatch at the end of what has another.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._told = wire.digest_in(request.headers.get(wire.DIGEST, ""))
        self._is_appended = request.mimetype == wire.APPENDED
        if self._told is None and not self._is_appended:
            raise InvalidRequest(f"The body has no {wire.DIGEST}.")
        self.measured = Measured(self._data(pieces))

    def __iter__(self) -> Iterator[bytes]:
        yield from self.measured
        if self.measured.digest != self._told:
            raise UploadChecksumMismatch

    def _data(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What comes before the digest, where that is appended."""
        if not self._is_appended:
            yield from pieces
            return
        tail = b""
        for piece in pieces:
            whole = tail + piece
            data, tail = whole[:-DIGEST_BYTES], whole[-DIGEST_BYTES:]
            yield data
        self._told = tail


def _lines(found: Iterator[ObjectInfo]) -> Iterator[bytes]:
    count = 0
    for each in found:
        count += 1
        yield json.dumps([each.name, each.size_bytes, each.modified_at]).encode() + b"\n"
    yield json.dumps(count).encode() + b"\n"
