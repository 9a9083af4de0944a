"""Prepare, whole, against the bare decode and resample of the same file as one writes it by hand, on one core.

The bare one is soundfile (PyAV for M4A, which soundfile can't read) and soxr, with numpy for mixing. Prepare reads FLAC
by PyAV; by hand, frame after frame, that is no faster than soundfile (docs/performance.md).

Prepare checks and measures the sound, cuts it, writes each window's object and registers it; a real ledger and a store
in a folder. Stereo at 44.1 kHz (Opus: 48 kHz), so that all need mixing and resampling. CPU time of the process, system
calls included; the two take turns, and the best round of each counts. Both have freed memory kept, as the prepare
process has.
"""

import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from bench import recordings
from bench.figure import Figure
from jobs.job import JobRequest
from jobs.ledger import Ledger, WorkerInfo
from jobs.logs import configure_logs
from jobs.settings import Settings
from jobs.store import AudioStore, layout, open_store
from tests.support import ledger as given
from tests.support.fake_model import FakeModel
from tingxie import redis_server
from worker.memory import keep_freed_memory
from worker.prepare import prepare

AUDIO_S = 600.0
ROUNDS = 5
#: suffix and sampling rate
KINDS = {"WAV": (".wav", 44_100), "FLAC": (".flac", 44_100), "MP3": (".mp3", 44_100), "M4A": (".m4a", 44_100),
         "Opus": (".opus", 48_000)}  # fmt: skip
MODEL_HZ = 16_000
BLOCK_FRAMES = 1 << 16


def measure() -> list[Figure]:
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        redis = redis_server.start(folder / "redis")
        settings = Settings(
            redis_url=redis.url, data_dir=folder / "data", prepare_ahead_windows=1_000_000, log_level="warning"
        )
        configure_logs(settings)
        ledger = Ledger.connect(settings)
        try:
            bench = _Prepare(settings, ledger, open_store(settings.store))
            return [figure for kind in KINDS for figure in _figures(kind, folder, bench)]
        finally:
            ledger.close()
            redis.stop()


def _figures(kind: str, folder: Path, bench: "_Prepare") -> list[Figure]:
    suffix, rate_hz = KINDS[kind]
    path = recordings.write(folder / f"speech{suffix}", AUDIO_S, rate_hz=rate_hz, channels=2)
    bare_decode = _decode_av if kind == "M4A" else _decode_soundfile
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_seconds(lambda: bare_decode(path)))
        ours.append(bench.run(path))
    path.unlink()
    return [
        Figure(f"{kind}: prepare", AUDIO_S / min(ours), "× real time on one core"),
        Figure("… bare decode and resample", AUDIO_S / min(bare), "× real time on one core"),
        Figure("… as a share of it", 100 * min(bare) / min(ours), "%", "≥ 90"),
    ]


class _Prepare:
    def __init__(self, settings: Settings, ledger: Ledger, store: AudioStore) -> None:
        self._settings = settings
        self._ledger = ledger
        self._store = store
        ledger.announce(FakeModel().spec)

    def run(self, path: Path) -> float:
        """Seconds that one job's prepare takes; what it wrote is removed."""
        incarnation, job_id = uuid.uuid4().hex, uuid.uuid4().hex
        with path.open("rb") as file:
            self._store.write(layout.audio(job_id), file)
        self._ledger.beat(WorkerInfo(incarnation, "cpu", "here", 1, (), 1, 0.0, "bench"))
        self._ledger.create(_request(job_id))
        unit = self._ledger.claim_prepare(incarnation, uuid.uuid4().hex)
        assert unit is not None
        seconds = _seconds(lambda: prepare(unit, self._ledger, self._store, self._settings, should_yield=lambda: False))
        job = self._ledger.job(job_id)
        assert job.error is None, job.error
        assert abs((job.duration_s or 0) - AUDIO_S) < 1, job.duration_s
        self._store.delete_all(layout.job_folder(job_id))
        return seconds


def _request(job_id: str) -> JobRequest:
    return given.request(job_id, model=FakeModel().spec.model, owner=job_id)


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def _decode_soundfile(path: Path) -> int:
    samples = 0
    with soundfile.SoundFile(path) as sound:
        stream = soxr.ResampleStream(sound.samplerate, MODEL_HZ, 1, "float32", "HQ")
        for block in sound.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
            mono = (block[:, 0] + block[:, 1]) / np.float32(2)
            samples += len(stream.resample_chunk(mono, last=False))
    return samples


def _decode_av(path: Path) -> int:
    samples = 0
    with av.open(str(path)) as container:
        stream = None
        for frame in container.decode(audio=0):
            stream = stream or soxr.ResampleStream(frame.sample_rate, MODEL_HZ, 1, "float32", "HQ")
            planes = frame.to_ndarray()
            samples += len(stream.resample_chunk((planes[0] + planes[1]) / np.float32(2), last=False))
    return samples
