"""Files that browsers load, out of a folder of this package: kept compressed or not, sent as the browser takes them."""

import gzip
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib import resources

from flask import Response, request

MEDIA_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
#: smaller ones gain nothing
WORTH_PACKING_BYTES = 1000


def names(folder: str) -> list[str]:
    """The files of a folder that browsers may load, as they are asked for."""
    found = (each.name.removesuffix(".gz") for each in (resources.files("web") / folder).iterdir())
    return sorted(name for name in found if name.rpartition(".")[2] in MEDIA_TYPES)


def send(folder: str, name: str, headers: Mapping[str, str]) -> Response:
    """One of `names`; 304 where the browser has it already."""
    plain, packed = _bytes(folder, name)
    is_packed = len(plain) > WORTH_PACKING_BYTES and bool(request.accept_encodings.quality("gzip"))
    etag = f'"{blake2b(plain, digest_size=12).hexdigest()}{"-gzip" * is_packed}"'
    all_headers = {"ETag": etag, "Vary": "Accept-Encoding", **headers}
    if request.if_none_match.contains(etag.strip('"')):
        return Response(status=304, headers=all_headers)
    if is_packed:
        all_headers["Content-Encoding"] = "gzip"
    body = packed if is_packed else plain
    return Response(body, headers=all_headers, content_type=MEDIA_TYPES[name.rpartition(".")[2]])


@cache
def _bytes(folder: str, name: str) -> tuple[bytes, bytes]:
    """Plain and compressed."""
    place = resources.files("web") / folder
    kept = place / f"{name}.gz"
    if kept.is_file():
        packed = kept.read_bytes()
        return gzip.decompress(packed), packed
    plain = (place / name).read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0)
