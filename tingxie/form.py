"""A form with one file (multipart/form-data, RFC 7578), in pieces: what goes before the file's bytes and after them."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Form:
    content_type: str
    head: bytes
    tail: bytes

    @classmethod
    def of(cls, fields: Mapping[str, str], filename: str) -> "Form":
        boundary = uuid4().hex
        parts = [f'name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
        file = f'name="file"; filename="{_quoted(filename)}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        head = "".join(f"--{boundary}\r\nContent-Disposition: form-data; {part}" for part in [*parts, file])
        return cls(f"multipart/form-data; boundary={boundary}", head.encode(), f"\r\n--{boundary}--\r\n".encode())


def _quoted(filename: str) -> str:
    """As browsers write it (HTML, "multipart/form-data encoding algorithm")."""
    return filename.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
