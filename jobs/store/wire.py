"""What a worker elsewhere and the front end say to each other about the store, over HTTP.

Below `/internal`, with the worker token as a bearer token (web/objects.py serves it, jobs/store/remote.py asks):

GET    /store                 what this is: protocol, version, free bytes; the store was tried for it
GET    /join                  what a worker elsewhere has to know (tingxie/join.py)
GET    /objects/{name}        its bytes, the range that is asked for but at most PIECE_BYTES; HEAD: its size and age
PUT    /objects/{name}        write it (?sync=1: durably); with ?from={name}: give that object this second name
DELETE /objects/{name}        remove it
GET    /objects?prefix=jobs/  what is there: a JSON array [name, size, modified] a line, the last line says how many
DELETE /objects?prefix=…      remove all below it

Bytes travel with their SHA-256: in Content-Digest (RFC 9530), which is of what is sent, a range too; or, where it isn't
known beforehand, as the last 32 bytes of a body of the type APPENDED.
"""

import base64
import binascii
import hashlib

#: changes where one side wouldn't understand the other
PROTOCOL = 1
BASE = "/internal"
#: most bytes of one answer: both sides hold so much in memory, and it is what a retry costs
PIECE_BYTES = 4 << 20
DIGEST = "Content-Digest"
APPENDED = "application/vnd.tingxie.appended-sha256"
#: when an object was written, in seconds since 1970: Last-Modified knows no fractions
MODIFIED = "Tingxie-Modified"
#: of the whole object, whatever was asked for
SIZE = "Tingxie-Size"
#: says of a 404 that it is the object that isn't there, rather than the path
GONE = "Tingxie-Gone"


def digest_header(data: bytes) -> str:
    return content_digest(hashlib.sha256(data).digest())


def content_digest(sha256: bytes) -> str:
    """The header's value where the digest is known already."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def digest_in(header: str) -> bytes | None:
    """The SHA-256 that a Content-Digest names; None where it names none."""
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            try:
                return base64.b64decode(value.strip(":"), validate=True)
            except binascii.Error:
                return None
    return None


def checked(name: str) -> str:
    """An object's name, as it is. Raises ValueError for one that would lead elsewhere."""
    if not all(part not in ("", ".", "..") and "\\" not in part and part.isprintable() for part in name.split("/")):
        raise ValueError(f"not an object's name: {name!r}")
    return name
