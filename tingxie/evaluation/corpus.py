"""The recordings of a data set and what was said in them: from the Hub, a folder, or a manifest (JSONL, CSV)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from tingxie.errors import InputMissing
from tingxie.sources import Source, find_sources

AUDIO_COLUMNS = ("audio", "file", "path", "audio_filepath", "file_name", "filename", "wav")
TEXT_COLUMNS = ("text", "sentence", "transcription", "transcript", "reference", "raw_transcription")
#: beside the audio of an AudioFolder
METADATA = ("metadata.jsonl", "metadata.csv")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording. reference: what was said; None where the data set doesn't say."""

    source: Source
    reference: str | None


@dataclass(frozen=True)
class Corpus:
    """table: the `datasets.Dataset` that the utterances, one for each of its rows, come from."""

    table: Any
    utterances: Sequence[Utterance]


@contextmanager
def open_corpus(
    name: str, *, split: str = "", configuration: str = "", audio: str = "", text: str = "", limit: int | None = None
) -> Iterator[Corpus]:
    """A data set by its Hub id, a folder of audio (`metadata.csv` or `.jsonl` beside it), or a manifest.

    Its audio lies in files until the block ends. audio, text: its columns, where they have unusual names. Raises
    InputMissing for a data set, split or column that isn't there.
    """
    table = _loaded(name, split, configuration)
    if limit is not None:
        table = table.select(range(min(limit, len(table))))
    audio_column = _column(table, audio, AUDIO_COLUMNS, "audio")
    text_column = _column(table, text, TEXT_COLUMNS, "text", needed=bool(text))
    table = _undecoded(table, audio_column, _base(name))
    with TemporaryDirectory(prefix="tingxie-evaluate-") as folder:
        yield Corpus(
            table,
            [
                Utterance(_file(row[audio_column], index, Path(folder)), str(row[text_column]) if text_column else None)
                for index, row in enumerate(table)
            ],
        )


def _loaded(name: str, split: str, configuration: str) -> Any:
    import datasets  # noqa: PLC0415 (seconds to import)
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    datasets.disable_progress_bars()
    try:
        if (manifest := _manifest(Path(name))) is not None:
            kind = "csv" if manifest.suffix == ".csv" else "json"
            return datasets.load_dataset(kind, data_files=str(manifest), split=split or "train")
        if Path(name).is_dir():
            return datasets.Dataset.from_dict({"audio": [str(source.path) for source in find_sources([Path(name)])]})
        return datasets.load_dataset(name, configuration or None, split=split or "test")
    except (DatasetsError, OSError, ValueError, RuntimeError, ImportError) as error:  # all that can be wrong with one
        raise InputMissing(
            f"{name} can't be read as a data set: {_first_line(error)}",
            remedy="Name a Hub data set, a folder of audio, or a .jsonl or .csv manifest; --split and --config choose.",
        ) from error


def _manifest(path: Path) -> Path | None:
    """The file that names the recordings: the path itself, or an AudioFolder's metadata; None for anything else.

    An AudioFolder is read as what it is, a manifest: the library's own loader wants torchcodec even for mere paths.
    """
    if path.suffix in {".jsonl", ".json", ".csv"}:
        if not path.is_file():
            raise InputMissing(f"{path}: no such manifest")
        return path
    return next((found for name in METADATA if (found := path / name).is_file()), None)


def _column(table: Any, chosen: str, usual: Sequence[str], what: str, *, needed: bool = True) -> str:
    names = table.column_names
    found = next((name for name in ([chosen] if chosen else usual) if name in names), "")
    if not found and needed:
        raise InputMissing(
            f"the data set has no column {chosen or what!r}; it has {', '.join(names)}",
            remedy=f"Name it with --{what}-column.",
        )
    return found


def _undecoded(table: Any, column: str, base: Path) -> Any:
    """The audio as its bytes or its path: decoding is the service's business. A manifest's paths are beside it."""
    from datasets import Audio, Value  # noqa: PLC0415

    if isinstance(table.features[column], Value):
        table = table.cast_column(column, Value("string"))
        table = table.map(lambda row: {column: str(base / row[column])}, load_from_cache_file=False)
    return table.cast_column(column, Audio(decode=False))


def _base(name: str) -> Path:
    path = Path(name).absolute()
    return path.parent if path.is_file() else path


def _file(audio: dict[str, Any], index: int, folder: Path) -> Source:
    """The recording as a file, named so that it is told from the others."""
    original = Path(audio["path"] or "audio")
    name = PurePath(f"{index:06d}-{original.name}")
    if audio["bytes"] is None:
        return Source(original, name)
    path = folder / name
    path.write_bytes(audio["bytes"])
    return Source(path, name)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
