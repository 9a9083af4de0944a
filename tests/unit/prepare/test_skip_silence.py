"""Prepare with skip_silence: what is stored, what is registered, in slices, anew and for each channel."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.support.spaced_speech import spaced_speech
from tests.unit.prepare import test_prepare
from tests.unit.prepare.test_prepare import RATE, REQUEST, Bench, Recorder
from worker import speech

SKIPPING = {"skip_silence": True, "silence_s": 1.2, "silence_margin_s": 0.3}


@pytest.fixture(autouse=True)
def skipping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_prepare, "REQUEST", REQUEST.model_copy(update=SKIPPING))


@pytest.fixture(scope="module")
def audio() -> np.ndarray:
    return spaced_speech(100).wave


def prepared(folder: Path, audio: np.ndarray) -> Bench:
    bench = Bench(folder)
    bench.upload(audio)
    bench.run()
    return bench


def skipped_s(bench: Bench) -> float:
    silent = [bench.ledger.windows[index] for index in bench.ledger.silent]
    return sum(window.cut_stop - window.cut_start for window in silent) / RATE


def test_silence_is_registered_and_not_stored(tmp_path: Path, audio: np.ndarray) -> None:
    bench = prepared(tmp_path, audio)
    assert bench.ledger.total == len(audio)
    assert len(bench.ledger.silent) > 5
    assert skipped_s(bench) > 5
    names = {name.name.rpartition("/")[2] for name in bench.store.list("jobs/job1/windows/")}
    assert len(names) == len(bench.ledger.windows) - len(bench.ledger.silent)
    for window in bench.ledger.windows:
        if window.index not in bench.ledger.silent:
            assert np.array_equal(bench.object(window.index), audio[window.start_sample : window.stop_sample])


def test_slices_give_the_windows_of_one_go(tmp_path: Path, audio: np.ndarray) -> None:
    in_one, sliced = prepared(tmp_path / "one", audio), Bench(tmp_path / "sliced")
    sliced.upload(audio)
    for blocks in count(2, 4):
        sliced.run(blocks=blocks)
        if sliced.ledger.total is not None:
            break
    assert len(sliced.ledger.yields) > 2
    assert sliced.ledger.windows == in_one.ledger.windows
    assert sliced.ledger.silent == in_one.ledger.silent
    assert sliced.objects() == in_one.objects()


def test_a_killed_attempt_is_taken_up_where_it_registered(tmp_path: Path, audio: np.ndarray) -> None:
    bench = prepared(tmp_path, audio)
    windows, silent = bench.ledger.windows, bench.ledger.silent
    for known in (silent[3], silent[3] + 1, len(windows)):
        bench.ledger = Recorder(groups=[windows[:known]])
        bench.run()
        assert bench.ledger.windows == windows
        assert bench.ledger.silent == [index for index in silent if index >= known]
        assert bench.ledger.total == len(audio)


def test_repair_leaves_silence_alone(tmp_path: Path, audio: np.ndarray) -> None:
    bench = prepared(tmp_path, audio)
    before = bench.objects()
    heard = next(window.index for window in bench.ledger.windows[5:] if window.index not in bench.ledger.silent)
    bench.store.delete(f"jobs/job1/windows/{heard:06d}")
    bench.run(repair=True)
    assert bench.objects() == before


def test_each_channel_by_itself(tmp_path: Path, audio: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_prepare, "REQUEST", REQUEST.model_copy(update=SKIPPING | {"channels": "split"}))
    quiet = np.zeros_like(audio)
    both = prepared(tmp_path / "both", np.stack([audio, quiet], axis=1))
    alone = prepared(tmp_path / "alone", audio)
    number = len(alone.ledger.windows)
    assert both.ledger.windows[:number] == alone.ledger.windows
    assert set(range(number, len(both.ledger.windows))) <= set(both.ledger.silent)
    assert both.ledger.total == 2 * len(audio)
    assert both.objects() == alone.objects()


def test_silence_alone_succeeds_with_a_warning(tmp_path: Path) -> None:
    bench = prepared(tmp_path, np.zeros(150 * RATE, np.float32))
    assert bench.ledger.total == 150 * RATE
    assert bench.ledger.silent == [0, 1, 2]
    assert bench.ledger.warnings == ["audio-silent"]


def test_where_silence_is_unknown_the_job_fails(
    tmp_path: Path, audio: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech._session.cache_clear()
    monkeypatch.setattr(speech, "find_spec", lambda _: None)
    bench = prepared(tmp_path, audio)
    assert bench.ledger.problem is not None
    assert bench.ledger.problem.type == "silence-unknown"
