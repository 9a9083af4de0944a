"""Which files a command line means, and the files that its results go to."""

import errno
import os
from pathlib import Path, PurePath

import pytest

from tingxie.data_folder import DataFolder
from tingxie.errors import InputMissing, ResultUnwritable, StackError
from tingxie.results import ResultFolder
from tingxie.sources import Source, find_sources, is_url, url_sources


def _make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _names(*arguments: Path) -> list[str]:
    return [str(source.name) for source in find_sources(arguments)]


def test_a_folder_is_searched_below_and_keeps_its_structure(tmp_path: Path) -> None:
    _make(tmp_path, "a.wav", "deep/a.MP3", "deep/notes.txt", ".hidden.wav")
    assert _names(tmp_path) == ["a", "deep/a"]


def test_a_named_file_is_taken_whatever_its_extension(tmp_path: Path) -> None:
    _make(tmp_path, "speech.xyz")
    assert _names(tmp_path / "speech.xyz") == ["speech"]


def test_two_folders_do_not_mix(tmp_path: Path) -> None:
    _make(tmp_path, "monday/a.wav", "tuesday/a.wav")
    assert _names(tmp_path / "monday", tmp_path / "tuesday") == ["monday/a", "tuesday/a"]


def test_files_that_differ_in_their_extension_only_keep_it(tmp_path: Path) -> None:
    _make(tmp_path, "a.wav", "a.mp3", "b.wav")
    assert _names(tmp_path) == ["a.mp3", "a.wav", "b"]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match="nowhere"):
        find_sources([tmp_path / "nowhere"])


def test_done_means_every_format_and_not_older_than_the_audio(tmp_path: Path) -> None:
    _make(tmp_path, "a.wav")
    source = Source(tmp_path / "a.wav", PurePath("deep/a.b"))
    folder = ResultFolder(tmp_path / "out", ("txt", "srt"))
    folder.write(source, "txt", "你好\n")
    assert not folder.is_done(source)
    folder.write(source, "srt", "")
    assert folder.is_done(source)
    assert (tmp_path / "out/deep/a.b.txt").read_text(encoding="utf-8") == "你好\n"
    os.utime(source.path, (2**31, 2**31))
    assert not folder.is_done(source)


def test_a_result_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.mkdir()
    with pytest.raises(ResultUnwritable, match=r"a\.txt"):
        ResultFolder(tmp_path, ("txt",)).write(Source(tmp_path / "a.wav", PurePath("a")), "txt", "x")
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", _disk_full)
    with pytest.raises(StackError, match="is full"):
        DataFolder.take(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".trial")] == []


def _disk_full(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_urls_have_names_and_labels() -> None:
    urls = [
        "https://a.example/talks/%E8%AC%9B.mp3?key=hidden",
        "https://a.example/talks/%E8%AC%9B.mp3?key=other",
        "https://a.example/",
        "HTTP://b.example/../../etc/x%2Fy.wav",
    ]
    assert all(map(is_url, urls))
    assert not is_url("https.wav")
    sources = url_sources([*urls, urls[0]])
    assert [str(source.name) for source in sources] == [
        "a.example/talks/講", "a.example/talks/講-2", "a.example/audio", "b.example/etc/x_y",
    ]  # fmt: skip
    assert "hidden" not in sources[0].label


def test_a_url_is_done_once_its_results_are_there(tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path, ["txt"])
    [source] = url_sources(["https://a.example/talk.mp3"])
    assert not folder.is_done(source)
    folder.write(source, "txt", "text")
    assert folder.is_done(source)
