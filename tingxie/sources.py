"""Which files a command line means: files and URLs as given, folders searched for audio, each with its result."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from tingxie.errors import InputMissing

#: what the server reads (soundfile's and PyAV's containers); a file given by name is sent whatever its extension
_EXTENSIONS = """
.3gp .aac .ac3 .aif .aifc .aiff .amr .au .awb .caf .flac .m4a .m4b .mka .mkv .mov .mp3 .mp4 .mpga .oga .ogg .opus .rf64
.w64 .wav .webm .wma
"""
AUDIO_EXTENSIONS = frozenset(_EXTENSIONS.split())


@dataclass(frozen=True, slots=True)
class Source:
    """A file to transcribe; `name` is its result's path under the output folder, without the format's extension.

    url: where the server fetches it from, in place of an upload; `path` is only its name then.
    """

    path: Path
    name: PurePath
    url: str = ""

    @property
    def label(self) -> str:
        """As shown to people: of a URL without its query, which may hold a credential."""
        return re.split(r"[?#]", self.url, maxsplit=1)[0] or str(self.path)

    def modified_at(self) -> float:
        """When the file was last written; what a URL gives counts as old."""
        return 0.0 if self.url else self.path.stat().st_mtime

    def size_bytes(self) -> int:
        """Raises InputMissing where the file has gone since it was found."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise InputMissing(f"{self.path}: {error.strerror}") from error


def is_url(argument: str) -> bool:
    return argument.lower().startswith(("http://", "https://"))


def url_sources(urls: Sequence[str]) -> list[Source]:
    """One for each URL; its results are named by its host and path, numbered where two are named alike."""
    found: list[Source] = []
    taken: Counter[PurePath] = Counter()
    for url in dict.fromkeys(urls):
        parts = urlsplit(url)
        pieces = [re.sub(r"[^\w.,()+@ -]", "_", unquote(piece)).lstrip(".") for piece in parts.path.split("/")]
        name = PurePath(parts.hostname or "url", *filter(None, pieces)).with_suffix("") if any(pieces) else None
        name = name or PurePath(parts.hostname or "url", "audio")
        taken[name] += 1
        numbered = name if taken[name] == 1 else name.with_name(f"{name.name}-{taken[name]}")
        found.append(Source(Path(numbered.name), numbered, url))
    return found


def find_sources(arguments: Sequence[Path]) -> list[Source]:
    """The files that the arguments mean, in a stable order. Raises InputMissing for one that isn't there.

    A folder's files keep their place below it. Where several arguments are given, the folder's own name comes first,
    so that two folders don't mix. Two files that differ only in their extension keep it in their result's name.
    """
    several = len(arguments) > 1
    found: dict[Path, PurePath] = {}
    for argument in arguments:
        for path, name in _files_of(argument, keep_root=several):
            found.setdefault(path, name)
    shared = Counter(name.with_suffix("") for name in found.values())
    return [
        Source(path, name if shared[name.with_suffix("")] > 1 else name.with_suffix("")) for path, name in found.items()
    ]


def _files_of(argument: Path, *, keep_root: bool) -> Iterable[tuple[Path, PurePath]]:
    if argument.is_dir():
        root = argument.absolute()
        base = root.parent if keep_root else root
        return [(path, path.relative_to(base)) for path in _audio_below(root)]
    if argument.is_file():
        return [(argument.absolute(), PurePath(argument.name))]
    raise InputMissing(f"{argument}: no such file or folder")


def _audio_below(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_EXTENSIONS and path.is_file() and not path.name.startswith(".")
    )
