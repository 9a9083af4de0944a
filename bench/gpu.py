"""One GPU: the default architecture with random weights in bf16, device only, beside transformers' own pipeline.

`python -m bench.gpu [--json FILE]` needs torch, transformers and numpy, and less than 8 minutes. Random weights decide
near-ties by chance, so their token agreement is a floor. Net: without the 0.5 s of context on each side of a window.
The target is for an H200.
"""

import argparse
import copy
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from bench import gpu_pipeline
from bench.figure import Figure
from bench.gpu_network import RATE_HZ, Network, flops, make_config, make_model, noise
from bench.gpu_timing import Clock, Feed, Graphed, Run, seconds

LIMIT_S = 420.0
#: torch.compile is begun only while there is time for it and all that follows
COMPILE_S = 200.0
CONTEXT_S = 0.5
#: dense bf16 with fp32 accumulation, by the makers' data sheets: FLOP/s
PEAKS = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
}
NET = Figure("device only, at the best batch and window: net × real time", None, "×", "≥ 6500")
BEATS_BF16 = Figure("… ÷ HF pipeline in bf16 at its best batch", None, "×", "≥ 5")
BEATS_FP32 = Figure("… ÷ HF pipeline's default call, fp32", None, "×", "≥ 50")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, smaller for a CPU that only shows that the program runs."""

    window_s: float = 20.0
    batch: int = 16
    batches: tuple[int, ...] = (1, 4, 8, 16, 32, 64, 128)
    windows_s: tuple[float, ...] = (10.0, 15.0, 20.0, 25.0, 30.0)
    streamed: int = 40
    pipeline_batches: tuple[int, ...] = (8, 16, 32, 64)
    pipeline_audio_s: float = 1200.0
    default_call_audio_s: float = 300.0
    #: scores in bf16 and fp32: measured 0.9994, 0.92 for the small model, whose scores hardly differ from each other
    correlated: float = 0.99


TINY = Plan(3.0, 2, (1, 2), (2.0, 3.0), 3, (2,), 8.0, 3.0, correlated=0.85)


@dataclass
class Lab:
    """One device, one model; each section adds figures."""

    device: torch.device
    plan: Plan
    tiny: bool
    clock: Clock
    figures: list[Figure] = field(default_factory=list)
    #: × real time, net, at the best batch and window
    best: float = 0.0
    #: where it was the fastest way to run one shape; for a new shape it takes long
    compiled: Run | None = None
    is_broken: bool = False

    def __post_init__(self) -> None:
        self.config = make_config(tiny=self.tiny)
        self.model = make_model(self.config, self.device)
        self.ways: dict[str, Network] = {
            "eager": Network(copy.deepcopy(self.model), torch.bfloat16),
            "fused QKV": Network(copy.deepcopy(self.model), torch.bfloat16, fused=True),
        }

    def windows(self, batch: int, window_s: float, seed: int = 1) -> Tensor:
        return noise(batch, round(window_s * RATE_HZ), seed, self.device)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure.row(), flush=True)

    def section(self, part: Callable[["Lab"], None]) -> None:
        """What breaks in one of them is said, and the others go on."""
        print(f"-- {part.__name__.strip('_')}, {self.clock.left_s:.0f} s left", flush=True)
        try:
            part(self)
        except Exception:  # noqa: BLE001
            self.is_broken = True
            traceback.print_exc()


def _check(lab: Lab) -> None:
    """Fresh inputs: every way against fp32; each output written; a window alone as in a batch."""
    samples = lab.windows(4, lab.plan.window_s, seed=int(torch.seed() % 2**31))
    with torch.inference_mode():
        reference = Network(copy.deepcopy(lab.model), torch.float32)
        right, logits = reference(samples)[0], reference.logits(samples)
        for name, network in lab.ways.items():
            ids, sure = network(samples)
            near = _correlation(network.logits(samples).float(), logits)
            if near < lab.plan.correlated or not bool(((sure >= 0) & (sure <= 1)).all()):
                raise RuntimeError(f"{name} isn't the model: correlation with fp32 {near:.4f}")
            lab.add(Figure(f"{name}: correlation of scores with fp32", near, ""))
            lab.add(Figure("… agreement of non-blank tokens", 100 * _agreement(ids, right), "%"))
            lab.add(Figure("… a window alone as in a batch", 100 * _agreement(network(samples[:1])[0], ids[:1]), "%"))
        lab.add(Figure("distinct tokens in the check", len(right.unique()), ""))


def _correlation(one: Tensor, other: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def _agreement(ids: Tensor, right: Tensor) -> float:
    """Of the frames that are a token in either."""
    spoken = (ids != 0) | (right != 0)
    return float((ids == right)[spoken].float().mean())


def _options(lab: Lab) -> None:
    """The ways to run one shape, each compared with eager on another input than the one that it was timed with."""
    samples, fresh = (lab.windows(lab.plan.batch, lab.plan.window_s, seed) for seed in (1, 2))
    runs: dict[str, Callable[[], Run]] = {name: partial(_itself, network) for name, network in lab.ways.items()}
    if lab.device.type == "cuda":
        compiled = torch.compile(lab.ways["fused QKV"], dynamic=False)
        runs["fused QKV, CUDA graph"] = lambda: Graphed(lab.ways["fused QKV"], samples)
        runs["torch.compile"] = lambda: compiled
        runs["torch.compile, CUDA graph"] = lambda: Graphed(compiled, samples)
    taken_s: dict[str, float] = {}
    for name, make in runs.items():
        if name.startswith("torch.compile") and lab.clock.left_s < COMPILE_S:
            print(f"{name}: left out, no time", flush=True)
            continue
        with torch.inference_mode():
            run = make()
            taken_s[name] = seconds(partial(run, samples), lab.device)
            agreement = _agreement(run(fresh)[0], lab.ways["eager"](fresh)[0])
        lab.add(Figure(f"{name}: batch {len(samples)} of {lab.plan.window_s:g} s", 1000 * taken_s[name], "ms"))
        lab.add(Figure("… agreement with eager", 100 * agreement, "%"))
    if min(taken_s, key=taken_s.__getitem__).startswith("torch.compile"):
        lab.compiled = compiled


def _itself(run: Run) -> Run:
    return run


def _runner(lab: Lab, samples: Tensor, *, compiled: bool = False) -> Run:
    """The fastest way for this shape."""
    network = lab.compiled if compiled and lab.compiled else lab.ways["fused QKV"]
    return Graphed(network, samples) if lab.device.type == "cuda" else network


def _sweep(lab: Lab) -> None:
    """Batch and window, uncompiled; the best of them once more compiled, if that is faster."""
    plan, best = lab.plan, (0.0, 0, 0.0)
    points = [(batch, plan.window_s) for batch in plan.batches] + [(plan.batch, each) for each in plan.windows_s]
    for batch, window_s in dict.fromkeys(points):
        if lab.clock.left_s > 3 * gpu_pipeline.KEPT_S:
            best = max(best, (_speed(lab, batch, window_s), batch, window_s))
    lab.best, batch, window_s = best
    if lab.compiled and lab.clock.left_s > COMPILE_S / 2:
        lab.best = max(lab.best, _speed(lab, batch, window_s, compiled=True))
    lab.add(Figure(NET.what, lab.best, NET.unit, NET.target))
    lab.add(Figure("… its batch", batch, ""))
    lab.add(Figure("… its window", window_s, "s"))


def _speed(lab: Lab, batch: int, window_s: float, *, compiled: bool = False) -> float:
    """Net × real time; 0 where the device's memory is too small."""
    try:
        samples = lab.windows(batch, window_s)
        with torch.inference_mode():
            taken_s = seconds(partial(_runner(lab, samples, compiled=compiled), samples), lab.device)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return 0.0
    net = batch * (window_s - 2 * CONTEXT_S) / taken_s
    lab.add(Figure(f"batch {batch} of {window_s:g} s{', compiled' * compiled}: net × real time", net, "×"))
    if peak := next((flop for name, flop in PEAKS.items() if name in _name(lab.device)), None):
        share = 100 * batch * flops(lab.config, round(window_s * RATE_HZ)) / taken_s / peak
        lab.add(Figure("… share of the device's bf16 peak", share, "%"))
    return net


def _stream(lab: Lab) -> None:
    """From pinned memory and back, double-buffered, every output written: what the uploads cost."""
    host = [noise(lab.plan.batch, round(lab.plan.window_s * RATE_HZ), 2, torch.device("cpu"))] * lab.plan.streamed
    if lab.device.type == "cuda":
        host = [each.pin_memory() for each in host[:2]] * (lab.plan.streamed // 2)
    samples = host[0].to(lab.device)
    run = _runner(lab, samples)
    feed = Feed(run, host, lab.device)
    taken_s = seconds(feed, lab.device, repeats=3, within_s=20.0) / len(host)
    with torch.inference_mode():
        alone_s = seconds(partial(run, samples), lab.device)
    if bool((feed.ids < 0).any()) or bool((feed.sure < 0).any()):
        raise RuntimeError("not every output was written")
    lab.add(Figure("from pinned memory and back, double-buffered: ÷ device only", alone_s / taken_s, ""))


def _memory(lab: Lab) -> None:
    lab.add(Figure("parameters", sum(each.numel() for each in lab.model.parameters()) / 1e6, "M"))
    if lab.device.type != "cuda":
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with torch.inference_mode():
        lab.ways["fused QKV"](lab.windows(lab.plan.batch, lab.plan.window_s))
    grown = (torch.cuda.max_memory_allocated() - before) / 1e6
    lab.add(Figure(f"memory of a batch of {lab.plan.batch} × {lab.plan.window_s:g} s above the weights", grown, "MB"))


def _pipeline(lab: Lab) -> None:
    """The pipeline beside it; then what the best of ours is, divided by it."""
    default = gpu_pipeline.default_call(lab.model, lab.device, lab.plan.default_call_audio_s)
    lab.add(Figure("HF pipeline's default call, fp32, one file whole", default, "× real time"))
    found = []
    sizes, audio_s = lab.plan.pipeline_batches, lab.plan.pipeline_audio_s
    for figure in gpu_pipeline.sweep(copy.deepcopy(lab.model), lab.device, sizes, audio_s, lab.clock):
        lab.add(figure)
        found.append(figure.value or 0.0)
    beats = {BEATS_BF16: lab.best / max(found) if found else None, BEATS_FP32: lab.best / default}
    lab.add(Figure("device only, at the best batch and window", lab.best, "× real time"))
    for row, value in beats.items():
        lab.add(Figure(row.what, value, row.unit, row.target))


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def run(device: torch.device, *, tiny: bool) -> Lab:
    clock = Clock(LIMIT_S)
    lab = Lab(device, TINY if tiny else Plan(), tiny, clock)
    for part in (_check, _options, _sweep, _stream, _memory, _pipeline):
        lab.section(part)
    return lab


def device_only(device: torch.device) -> float:
    """Net × real time of the best way to run it."""
    lab = Lab(device, Plan(), tiny=False, clock=Clock(LIMIT_S))
    for part in (_options, _sweep):
        part(lab)
    return lab.best


def measure() -> list[Figure]:
    """For the page: the rows with a target read "not measured" where there is no GPU."""
    if not torch.cuda.is_available():
        return [NET, BEATS_BF16, BEATS_FP32]
    lab = run(torch.device("cuda"), tiny=False)
    if lab.is_broken:
        raise RuntimeError("a section of bench.gpu broke; see above")
    return [Figure(f"{_name(lab.device)}, torch {torch.__version__}: devices", 1, ""), *lab.figures]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a small model and little audio: shows that it runs")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    asked = parser.parse_args(arguments)
    lab = run(torch.device(asked.device), tiny=asked.tiny)
    rows = [asdict(figure) | {"missed": figure.is_missed} for figure in lab.figures]
    report = {"device": _name(lab.device), "torch": torch.__version__, "tiny": asked.tiny, "figures": rows}
    print("", f"{report['device']}, torch {torch.__version__}, {LIMIT_S - lab.clock.left_s:.0f} s", "", sep="\n")
    print("| what | measured | target | |\n|---|---|---|---|", *(each.row() for each in lab.figures), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 1 if lab.is_broken or any(figure.is_missed for figure in lab.figures if not asked.tiny) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
