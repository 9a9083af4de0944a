"""Data sets in the forms in which people have them, read by the real library."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tingxie.errors import InputMissing
from tingxie.evaluation.corpus import open_corpus

HELDOUT = Path(__file__).parents[3] / "data" / "heldout"
FILES = ("m3-000.opus", "m3-001.opus", "m3-002.opus")
TEXTS = ("一", "二", "三")

Maker = Callable[[Path], str]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets  # noqa: PLC0415

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def jsonl(folder: Path) -> str:
    """Paths beside the manifest."""
    for name in FILES:
        shutil.copy(HELDOUT / name, folder)
    path = folder / "manifest.jsonl"
    rows = [{"audio": name, "text": text} for name, text in zip(FILES, TEXTS, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def csv_manifest(folder: Path) -> str:
    """Absolute paths, other names of columns that are usual."""
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "sentence"])
        writer.writerows((HELDOUT / name, text) for name, text in zip(FILES, TEXTS, strict=True))
    return str(path)


def audio_folder(folder: Path) -> str:
    place = folder / "recordings"
    place.mkdir()
    for name in FILES:
        shutil.copy(HELDOUT / name, place)
    rows = [{"file_name": name, "transcription": text} for name, text in zip(FILES, TEXTS, strict=True)]
    (place / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(place)


@pytest.mark.parametrize("make", [jsonl, csv_manifest, audio_folder])
def test_recordings_and_texts(make: Maker, tmp_path: Path) -> None:
    with open_corpus(make(tmp_path)) as corpus:
        found = {each.reference: each.source for each in corpus.utterances}
        assert set(found) == set(TEXTS)
        for name, text in zip(FILES, TEXTS, strict=True):
            assert found[text].path.read_bytes() == (HELDOUT / name).read_bytes()
            assert found[text].name.name.endswith(name)


def test_a_folder_without_metadata_is_its_recordings(tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(HELDOUT / name, tmp_path)
    with open_corpus(str(tmp_path)) as corpus:
        assert [each.source.path.name for each in corpus.utterances] == list(FILES)
        assert {each.reference for each in corpus.utterances} == {None}


def test_only_the_first_ones(tmp_path: Path) -> None:
    with open_corpus(jsonl(tmp_path), limit=2) as corpus:
        assert [each.reference for each in corpus.utterances] == ["一", "二"]


def test_a_corpus_without_texts_can_still_be_transcribed(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(json.dumps({"path": str(HELDOUT / FILES[0])}) + "\n")
    with open_corpus(str(path)) as corpus:
        assert [each.reference for each in corpus.utterances] == [None]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"audio": "sound"}, "no column 'sound'"), ({"text": "words"}, "no column 'words'"), ({"split": "dev"}, "dev")],
)
def test_what_is_not_there_is_named(options: dict[str, str], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=complaint), open_corpus(jsonl(tmp_path), **options):
        pass


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match=r"none\.jsonl"), open_corpus(str(tmp_path / "none.jsonl")):
        pass
