"""What this CPU's arithmetic allows: the default architecture's matrix products alone, and the speed that they bound.

A forward pass is products for the most part. Here those of one layer of its encoder run by themselves, as the service
has them: prepacked, a lane for each core. However windows, threads and processes are arranged, no pass in that dtype is
faster. (int8 with its rows' scales; the service has it in the encoder only, so its bound is too high.) Below: what the
targets of `article-default` and `usual-default` ask of the service, by the other side's speed when it was measured last
on a machine of this kind.
"""

import time

import torch

from bench import history, kept
from bench.fast_dtypes import FAST_DTYPES
from bench.figure import Figure
from bench.kept import Measurement
from bench.machine import Machine
from bench.paper import gflop_a_second
from tingxie.stack import usable_cores
from worker.families.lanes import Lanes
from worker.families.linear import Make, make_linear
from worker.families.quantized import INT8, QuantizedLinear

#: frames of a window of 19 s, and the encoder's weights [out, in]: query, key, value and output, and the two of the
#: feed-forward part
FRAMES, WIDTH, INNER = 960, 1024, 4096
SIZES = [(WIDTH, WIDTH)] * 4 + [(INNER, WIDTH), (WIDTH, INNER)]
#: layers that each lane computes in a round; the fastest round counts
LAYERS, ROUNDS = 3, 5
#: targets of others: measurement, its figure of the other side, times how much of it
ASKED = (
    ("article-default", "the article's call", 5.0),
    ("article-default", "its best", 3.5),
    ("usual-default", "usual app", 4.0),
)


def measure() -> list[Figure]:
    figures = []
    for dtype in ("float32", *FAST_DTYPES):
        rate = _gflop_a_second(dtype)
        figures += [
            Figure(f"{dtype}: products, all cores", rate, "GFLOP/s"),
            Figure("… the default architecture, if nothing else took time", rate / gflop_a_second(), "× real time"),
        ]
    return [*figures, *_asked()]


def _gflop_a_second(dtype: str) -> float:
    """Of all cores together."""
    make: Make = QuantizedLinear if dtype == INT8 else make_linear
    computed = torch.bfloat16 if dtype == INT8 else getattr(torch, dtype)
    layers = [make(torch.randn(size, dtype=computed), torch.zeros(size[0], dtype=computed)) for size in SIZES]
    lanes = Lanes(usable_cores())
    rows = {width: torch.randn(FRAMES, width, dtype=computed) for width in (WIDTH, INNER)}

    def compute(_: int) -> None:
        with torch.inference_mode():
            for (_out, width), layer in zip(SIZES, layers, strict=True):
                layer(rows[width])

    def one_round() -> float:
        began = time.monotonic()
        lanes.run(compute, range(LAYERS * lanes.count))
        return time.monotonic() - began

    flop = 2 * FRAMES * sum(out * width for out, width in SIZES) * LAYERS * lanes.count
    return flop / min(one_round() for _ in range(ROUNDS)) / 1e9


def _asked() -> list[Figure]:
    """By the measurements that ran on this kind of machine."""
    figures, kind = [], Machine.here().kind()
    for name, what, times in ASKED:
        path = kept.path(name)
        runs = Measurement.read(path).runs if path.exists() else []
        if found := history.first((figure for run in runs if run.kind == kind for figure in run.figures), what):
            full, speed = found
            figures.append(Figure(f"{name} asks for {times:g} × {full}", times * speed, "× real time"))
    return figures
