"""The prepare phase over a real store; its ledger is a recorder that keeps the ledger's rules about windows."""

import subprocess
import sys
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile

from jobs.errors import LedgerUnavailable, Problem, StoreFull
from jobs.job import JobRequest
from jobs.ledger import Ledger, PrepareUnit, Refused
from jobs.model import ModelSpec
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from jobs.waveform import Waveform
from jobs.window import Window
from worker import samples
from worker.prepare import prepare

RATE = 16_000
SPEC = ModelSpec("m", "r", "float32", "ctc", RATE, 320, 400, 60.0, False, "zh", 0)
REQUEST = JobRequest(
    id="job1", created_at=0, filename="a.wav", size_bytes=1, sha256="", model="m", language=None, task="transcribe",
    timestamps="segment", cutting="silence", window_s=5.0, context_s=0.5, priority="normal", metadata={},
)  # fmt: skip


@dataclass
class Recorder:
    """A ledger's prepare calls; windows must lie end to end, as the real one demands."""

    claimed: int = 0
    groups: list[list[Window]] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    durations_s: list[float | None] = field(default_factory=list)
    channels: int = 0
    yields: list[bool] = field(default_factory=list)
    total: int | None = None
    warnings: list[str] = field(default_factory=list)
    problem: Problem | None = None
    raises: Exception | None = None

    @property
    def windows(self) -> list[Window]:
        return [window for group in self.groups for window in group]

    def register(
        self,
        _unit: PrepareUnit,
        windows: list[Window],
        *,
        silent: list[int],
        decoded_s: float,
        duration_s: float | None,
        channels: int,
    ) -> int:
        assert decoded_s > 0
        if self.raises:
            raise self.raises
        index, stop = len(self.windows), self.windows[-1].cut_stop if self.windows else 0
        for window in windows:
            assert (window.index, window.cut_start) == (index, stop)
            index, stop = index + 1, window.cut_stop
        self.groups.append(list(windows))
        self.silent += silent
        self.durations_s.append(duration_s)
        self.channels = channels
        return len(self.windows) - self.claimed

    def yield_prepare(self, _unit: PrepareUnit, *, parked: bool) -> None:
        self.yields.append(parked)

    def prepared(self, _unit: PrepareUnit, *, total_samples: int, warnings: list[dict[str, str]]) -> None:
        assert self.windows[-1].cut_stop == total_samples
        self.total = total_samples
        self.warnings = [warning["type"] for warning in warnings]

    def fail_job(self, _unit: PrepareUnit, problem: Problem) -> None:
        if isinstance(self.raises, Refused):
            raise self.raises
        self.problem = problem


class Bench:
    """A store with one upload, and a way to run slices on it."""

    def __init__(self, folder: Path) -> None:
        self.store = FolderStore.open(str(folder / "store"))
        self.settings = Settings(data_dir=folder)
        self.ledger = Recorder()

    def upload(self, audio: np.ndarray, rate: int = RATE, **options: Any) -> None:
        path = self.store.root / layout.audio("job1")
        path.parent.mkdir(parents=True)
        soundfile.write(path, audio, rate, **{"format": "WAV", "subtype": "PCM_16", **options})

    def run(
        self, *, repair: bool = False, others_wait: bool = False, draining: bool = False, blocks: int | None = None
    ) -> None:
        """blocks: after how many of the file's blocks this process is to end; all channels' count."""
        asked = count(1)
        known = self.ledger.windows
        stop = known[-1].cut_stop if known else 0
        unit = PrepareUnit("job1", 1, REQUEST, SPEC, len(known), stop, 0, repair)
        ledger = cast(Ledger, self.ledger)
        prepare(
            unit,
            ledger,
            self.store,
            self.settings,
            should_yield=lambda: others_wait,
            is_draining=lambda: draining or next(asked) == blocks,
        )

    def object(self, index: int) -> np.ndarray:
        return samples.decode(self.store.read(layout.window("job1", index)))

    def waveform(self) -> Waveform:
        return Waveform.model_validate_json(self.store.read(layout.waveform("job1")))

    def objects(self) -> list[bytes]:
        heard = [window.index for window in self.ledger.windows if window.index not in self.ledger.silent]
        return [self.store.read(layout.window("job1", index)) for index in heard]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def phrases(seconds: float) -> np.ndarray:
    """16-bit noise in phrases of about two seconds, with pauses between."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(11).standard_normal(len(time_s)) * np.where(time_s % 2.3 < 1.9, 0.1, 0.0005)
    return (np.round(noise * 32768) / 32768).astype(np.float32)


def test_windows_are_stored_and_registered(bench: Bench) -> None:
    audio = phrases(60)
    bench.upload(audio)
    bench.run()
    assert bench.ledger.total == len(audio)
    assert bench.ledger.warnings == []
    assert len(bench.ledger.windows) > 10
    for window in bench.ledger.windows:
        assert np.array_equal(bench.object(window.index), audio[window.start_sample : window.stop_sample])
    drawn = bench.waveform()
    assert drawn.duration_s == 60
    assert drawn.peak == pytest.approx(np.abs(audio).max(), abs=1e-6)


def test_transcription_can_begin_after_the_first_window(bench: Bench) -> None:
    bench.upload(phrases(60))
    bench.run()
    assert len(bench.ledger.groups[0]) == 1
    assert bench.ledger.durations_s[0] == 60
    assert len(bench.ledger.groups) <= 4  # the others come in groups


def test_audio_at_another_rate_is_resampled(bench: Bench) -> None:
    bench.upload(np.repeat(phrases(30)[:, None], 2, axis=1), 48_000)
    bench.run()
    assert bench.ledger.total == 10 * RATE


def test_slices_give_the_windows_of_one_go(tmp_path: Path) -> None:
    audio = phrases(400)
    in_one, sliced = Bench(tmp_path / "one"), Bench(tmp_path / "sliced")
    in_one.upload(audio, 22_050)
    sliced.upload(audio, 22_050)
    in_one.run()
    sliced.settings = Settings(data_dir=tmp_path, prepare_slice_s=1e-6)
    runs = 0
    while sliced.ledger.total is None:
        before = len(sliced.ledger.windows)
        sliced.run(others_wait=True)
        runs += 1
        assert len(sliced.ledger.windows) > before or sliced.ledger.total  # every slice gets on
    assert runs > 3
    assert set(sliced.ledger.yields) == {False}
    assert sliced.ledger.windows == in_one.ledger.windows
    assert sliced.objects() == in_one.objects()
    assert sliced.waveform() == in_one.waveform()


def test_a_slice_goes_on_while_nobody_waits(bench: Bench) -> None:
    bench.settings = Settings(data_dir=bench.settings.data_dir, prepare_slice_s=1e-6)
    bench.upload(phrases(60))
    bench.run()
    assert bench.ledger.yields == []


def test_a_killed_attempt_is_taken_up_where_it_registered(bench: Bench) -> None:
    """The last window may be registered while `prepared` was not reached."""
    bench.upload(phrases(60))
    bench.run()
    windows = bench.ledger.windows
    for known in (1, len(windows) // 2, len(windows)):
        bench.ledger = Recorder(groups=[windows[:known]])
        bench.run()
        assert bench.ledger.windows == windows
        assert bench.ledger.total == windows[-1].cut_stop


def test_it_parks_when_enough_windows_wait(bench: Bench) -> None:
    bench.settings = Settings(data_dir=bench.settings.data_dir, prepare_ahead_windows=10)
    bench.upload(phrases(300))
    bench.run()
    assert bench.ledger.yields == [True]
    assert 10 <= len(bench.ledger.windows) < 40
    bench.ledger.claimed = len(bench.ledger.windows)
    bench.run()
    assert len(bench.ledger.windows) >= bench.ledger.claimed + 10


def test_draining_registers_what_is_written_and_leaves(bench: Bench) -> None:
    bench.upload(phrases(60))
    bench.run(draining=True)
    assert bench.ledger.yields == [False]
    assert bench.ledger.total is None
    stored = sum(1 for _ in bench.store.list(layout.windows("job1")))
    assert stored == len(bench.ledger.windows)


def test_repair_writes_what_is_missing_or_damaged(bench: Bench) -> None:
    bench.upload(phrases(60))
    bench.run()
    before = bench.objects()
    untouched = bench.store.info(layout.window("job1", 0)).modified_at
    bench.store.delete(layout.window("job1", 2))
    bench.store.write(layout.window("job1", 3), [before[3][:-10]])
    bench.run(repair=True)
    assert bench.objects() == before
    assert bench.store.info(layout.window("job1", 0)).modified_at == untouched


def test_repair_refuses_windows_that_come_out_otherwise(bench: Bench) -> None:
    bench.upload(phrases(60))
    bench.run()
    *others, last = bench.ledger.windows
    bench.ledger.groups = [[*others, replace(last, stop_sample=last.stop_sample + 320)]]
    bench.run(repair=True)
    assert bench.ledger.problem is not None
    assert bench.ledger.problem.type == "audio-unreadable"


def test_bad_audio_fails_the_job(bench: Bench) -> None:
    audio = phrases(30)
    audio[-5] = np.nan
    bench.upload(audio, subtype="FLOAT")
    bench.run()
    assert bench.ledger.problem is not None
    assert bench.ledger.problem.type == "audio-not-finite"
    assert bench.ledger.problem.remedy
    assert bench.ledger.total is None
    assert bench.ledger.windows  # the first were on their way already


def test_a_missing_upload_fails_the_job(bench: Bench) -> None:
    bench.run()
    assert bench.ledger.problem is not None
    assert bench.ledger.problem.type == "audio-gone"


def test_options_that_make_no_windows_fail_the_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "REQUEST", REQUEST.model_copy(update={"context_s": 2.4}))
    bench.upload(phrases(30))
    bench.run()
    assert bench.ledger.problem is not None
    assert bench.ledger.problem.type == "window-too-short"


def test_running_out_of_memory_fails_the_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_samples: np.ndarray) -> bytes:
        raise MemoryError

    monkeypatch.setattr(samples, "encode", exhausted)
    bench.upload(phrases(30))
    bench.run()
    assert bench.ledger.problem is not None
    assert bench.ledger.problem.type == "audio-too-heavy"


def test_warnings_are_handed_over(bench: Bench) -> None:
    bench.upload(np.zeros(RATE * 7))
    bench.run()
    assert bench.ledger.warnings == ["audio-silent"]
    assert bench.ledger.total == RATE * 7


def test_a_refused_unit_is_dropped(bench: Bench) -> None:
    bench.ledger.raises = Refused()
    bench.upload(phrases(30))
    bench.run()
    assert bench.ledger.problem is None


def test_a_refused_failure_is_dropped(bench: Bench) -> None:
    bench.ledger.raises = Refused()
    bench.run()  # no upload


@pytest.mark.parametrize("error", [LedgerUnavailable(), StoreFull()])
def test_what_may_work_later_is_raised(error: Exception, bench: Bench) -> None:
    bench.ledger.raises = error
    bench.upload(phrases(30))
    with pytest.raises(type(error)):
        bench.run()
    assert bench.ledger.problem is None


def test_a_process_over_its_memory_limit_gets_a_memory_error() -> None:
    program = (
        "import numpy, av, soundfile; from worker.memory import keep_freed_memory, limit_memory\n"
        "limit_memory(400_000_000); keep_freed_memory()\n"
        "small = numpy.ones(10_000_000)\n"
        "try:\n    numpy.ones(100_000_000)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "refused\n"


@pytest.mark.full
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Two hours of stereo at 44.1 kHz: 2.5 GB as float32; a child under a 400 MB limit prepares it."""
    bench = Bench(tmp_path)
    path = bench.store.root / layout.audio("job1")
    path.parent.mkdir(parents=True)
    minute = np.repeat(phrases(165.375)[:, None], 2, axis=1)[: 60 * 44_100]
    with soundfile.SoundFile(path, "w", 44_100, 2, format="FLAC", subtype="PCM_16") as file:
        for _ in range(120):
            file.write(minute)
    program = (
        "import sys; from pathlib import Path; from worker.memory import keep_freed_memory, limit_memory\n"
        "from tests.unit.prepare import test_prepare as t\n"
        "bench = t.Bench(Path(sys.argv[1])); limit_memory(400_000_000); keep_freed_memory(); bench.run()\n"
        "print(bench.ledger.total, bench.ledger.problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=280
    )
    assert done.stdout.split()[-2:] == [str(120 * 60 * RATE), "None"]
