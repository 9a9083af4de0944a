"""The limit on paper: what one GPU asks of cores, store and Redis, what one Redis carries, and what 10,000 GPUs need.

Arithmetic on the figures of other measurements (the last `ledger`, `overhead`, `polls`, `prepare`); a GPU is taken at
the speed that is its target, 6,500 × real time with the default architecture, and Redis as busy half of the time.
"""

import torch
from transformers import Wav2Vec2ForCTC

from bench import history, kept
from bench.figure import Figure
from bench.gpu import PEAKS
from bench.gpu_network import RATE_HZ, flops, make_config
from bench.kept import Measurement

GPU_SPEED, GPUS = 6500.0, 10_000
WINDOW_S, KEPT_S, BATCH = 20.0, 19.0, 16
SAMPLE_BYTES, BF16_BYTES = 2, 2
BUSY = 0.5


def measure() -> list[Figure]:
    return [*_gpu(), *_redis(), *_many()]


def _gpu() -> list[Figure]:
    windows = GPU_SPEED / KEPT_S
    gflop = gflop_a_second()
    moved = windows * WINDOW_S * RATE_HZ * SAMPLE_BYTES / 1e6
    return [
        Figure("one GPU at 6,500 × real time: windows a second", windows, "/s"),
        Figure("… computed for a second of audio", gflop, "GFLOP"),
        Figure("… share of an H200's bf16 peak", 100 * gflop * 1e9 * GPU_SPEED / PEAKS["H200"], "%"),
        Figure("… × real time at 40 % of that peak", 0.4 * PEAKS["H200"] / gflop / 1e9, "×"),
        Figure(f"… weights read for batches of {BATCH}", windows / BATCH * _parameters() * BF16_BYTES / 1e9, "GB/s"),
        Figure("… window objects, written once and read once: each way", moved, "MB/s"),
        Figure("… cores for claim, load and commit", _of("overhead", "interpreter time", per=1000 / windows), ""),
        *(
            Figure(f"… cores that prepare {name}", _of("prepare", f"{name}: prepare", to=GPU_SPEED), "")
            for name in ("WAV", "FLAC", "MP3", "M4A", "Opus")
        ),
    ]


def gflop_a_second() -> float:
    """What the default architecture computes for a second of audio, in windows with their context."""
    return flops(make_config(tiny=False), round(WINDOW_S * RATE_HZ)) / KEPT_S / 1e9


def _parameters() -> int:
    with torch.device("meta"):
        model = Wav2Vec2ForCTC(make_config(tiny=False))
    return sum(each.numel() for each in model.parameters())


def _redis() -> list[Figure]:
    per_window = _sum(_of("ledger", "register, in groups"), _of("ledger", "claim, start, commit"))
    windows = None if per_window is None else BUSY * 1e6 / per_window
    return [
        Figure("one Redis: its time for a window, from registration to commit", per_window, "µs"),
        Figure("… commands that its scripts call, a window", _of("ledger", "commands that the scripts call"), ""),
        Figure("… windows a second", windows, "/s"),
        Figure("… GPUs", _over(windows, GPU_SPEED / KEPT_S), ""),
        Figure("… × real time", None if windows is None else windows * KEPT_S, "×"),
        Figure("… AOF", _times(windows, _of("ledger", "appended to the AOF"), 1e-6), "MB/s"),
        Figure("… memory of an hour of audio that is transcribed", _memory(), "MB"),
        Figure("… workers whose heartbeats, every 3 s, take a tenth of it", _of("ledger", "heartbeat", to=3e5), ""),
        Figure("one front end: polls a second", _of("polls", "polls with key"), "/s"),
    ]


def _many() -> list[Figure]:
    windows = GPUS * GPU_SPEED / KEPT_S
    of_one = _redis()[2].value
    store = windows * WINDOW_S * RATE_HZ * SAMPLE_BYTES / 1e12
    return [
        Figure(f"{GPUS:,} GPUs: audio transcribed in a day", GPUS * GPU_SPEED / 1e6, "million days"),
        Figure("… windows a second", windows / 1e6, "million/s"),
        Figure("… Redis servers, by windows", _over(windows, of_one), ""),
        Figure(f"… by stretches of {BATCH} windows in place of windows", _over(windows / BATCH, of_one), ""),
        Figure("… window objects, each way", store, "TB/s"),
        Figure("… cores that prepare FLAC", _of("prepare", "FLAC: prepare", to=GPUS * GPU_SPEED), ""),
    ]


def _of(name: str, what: str, *, to: float | None = None, per: float = 1.0) -> float | None:
    """The first figure of a measurement whose name holds `what`: ÷ per, or `to` ÷ it. None where it wasn't measured."""
    path = kept.path(name)
    if not path.exists():
        return None
    found = history.first(Measurement.read(path).runs[0].figures, what)
    if found is None:
        return None
    _, value = found
    return to / value if to is not None else value / per


def _memory() -> float | None:
    registered, transcribed = _of("ledger", "memory, a registered"), _of("ledger", "memory, a transcribed")
    return _times(_sum(registered, transcribed), 3600 / KEPT_S, 1e-6)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one / other


def _times(one: float | None, *others: float | None) -> float | None:
    for other in others:
        one = None if one is None or other is None else one * other
    return one
