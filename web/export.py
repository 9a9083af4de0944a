"""All transcripts of a batch in one answer, made while it is sent: never whole in memory or on disk."""

import io
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePath
from typing import Any

from pydantic_core import to_json

from jobs.batch import BatchItem, ItemState, Progress, item_job_id
from jobs.errors import ObjectMissing
from jobs.store import layout
from jobs.submission import NAMELESS
from web.formats import srt, txt
from web.formats.document import parse
from web.formats.tokens import CueShape
from web.services import Services

MEDIA_TYPES = {"jsonl": "application/jsonl", "zip": "application/zip"}
#: items asked about in one round trip
AT_ONCE = 100
#: bytes of a name inside the archive, well below what any file system takes
NAME_BYTES = 120

Describe = Callable[[Progress, int, BatchItem, ItemState], dict[str, Any]]


def pieces(front: Services, progress: Progress, form: str, describe: Describe) -> Iterator[bytes]:
    """The whole export, as it is sent."""
    found = _items(front, progress, describe)
    usual = CueShape(front.settings.cue_columns, front.settings.cue_lines)
    return _archive(found, usual) if form == "zip" else _json_lines(found)


def _items(front: Services, progress: Progress, describe: Describe) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each item as clients see it, and its transcript as it is stored (b'' where there is none)."""
    batch_id = progress.batch.id
    items = front.batches.items(batch_id)
    while some := list(islice(items, AT_ONCE)):
        states = front.ledger.item_states(batch_id, [index for index, _ in some])
        for index, item in some:
            shown = describe(progress, index, item, states[index])
            stored = b""
            if shown["state"] == "succeeded":
                try:
                    stored = front.store.read(layout.transcript(item_job_id(batch_id, index)))
                except ObjectMissing:  # deleted since
                    shown["state"] = "deleted"
            yield shown, stored


def _json_lines(found: Iterator[tuple[dict[str, Any], bytes]]) -> Iterator[bytes]:
    for shown, stored in found:
        transcript = stored.replace(b"\n", b" ") or b"null"  # a line break in JSON is never part of a text
        yield to_json(shown).removesuffix(b"}") + b',"transcript":' + transcript + b"}\n"


def _archive(found: Iterator[tuple[dict[str, Any], bytes]], shape: CueShape) -> Iterator[bytes]:
    """A ZIP file with NAME.txt and NAME.srt for each transcript, and items.jsonl over all items."""
    written = _Written()
    listing = bytearray()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for shown, stored in found:
            if stored:
                shown["name"] = entry_name(shown["index"], shown["filename"] or "")
                document = parse(stored)
                archive.writestr(f"{shown['name']}.txt", "".join(txt.render(document)))
                archive.writestr(f"{shown['name']}.srt", "".join(srt.render(document, shape)))
            listing += to_json(shown) + b"\n"
            yield written.taken()
        archive.writestr("items.jsonl", bytes(listing))
    yield written.taken()


def entry_name(index: int, filename: str) -> str:
    """A name in the archive: unique by its number, no folder, nothing that a file system or a shell minds."""
    stem = PurePath(filename.replace("\\", "/")).stem
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in stem).strip("._")
    short = kept.encode(errors="ignore")[:NAME_BYTES].decode(errors="ignore")
    return f"{index:05d}-{short or NAMELESS}"


class _Written(io.RawIOBase):
    """Where zipfile writes to: bytes are taken away as they come, so it can't seek."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held
