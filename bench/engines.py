"""Engines for the network on this CPU: torch in float32 and, where it has instructions for them, bfloat16 and int8;
ONNX Runtime in float32 and int8.

Speed: windows of 20 s, one at a time, the engines in turn, median over the rounds. torch's are as the service
loads them, in int8 the encoder's linear layers (worker/families/quantized.py); in ONNX Runtime int8 is MatMul's. The
bundled model's rows say what each hears in held-out speech: agreement with torch's float32 of the frames that aren't
blank in both (99.5 % count as equal), and CER.
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path

import torch

from bench.agreement import Agreement
from bench.fast_dtypes import FAST_DTYPES
from bench.figure import Figure
from bench.in_process import LONG, Heard, Recording, Setting, hear, held_out, load_ctc, read
from bench.onnx_net import OnnxNet, export, quantise
from bench.random_weights import default_architecture
from worker.families.ctc import CtcFamily
from worker.families.network import PaddedNetwork
from worker.forward import Samples
from worker.model_folder import BUNDLED_FOLDER

WINDOW_S = 20.0
FLOAT32 = "torch float32"
#: rounds of each engine that are timed, of the bundled model and of the large one
ROUNDS, LARGE_ROUNDS = 15, 3

Engines = dict[str, CtcFamily]


def measure() -> list[Figure]:
    """The bundled model: speed, and whether the engines hear the same."""
    with tempfile.TemporaryDirectory() as folder:
        engines = _engines(BUNDLED_FOLDER, Path(folder))
        speeds = _speeds(engines, _windows(read(LONG)), ROUNDS)
        heard = _heard(engines, held_out(), Setting.usual())
    blank_id = engines[FLOAT32].spec.blank_id
    assert blank_id is not None
    figures = []
    for name, speed in speeds.items():
        agreement = Agreement.of(heard[name].frames, heard[FLOAT32].frames, blank_id=blank_id)
        figures += [
            Figure(name, speed, "× real time"),
            Figure("… agreement of frames", 100 * agreement.frames, "%"),
            Figure("… CER", 100 * heard[name].cer, "%"),
        ]
    return [*figures, *_ratios(speeds)]


def measure_default() -> list[Figure]:
    """The default architecture. With random weights scores lie closer together than in speech, so that agreement only
    tells the engines' errors apart.
    """
    with tempfile.TemporaryDirectory() as folder:
        engines = _engines(default_architecture(), Path(folder))
        (wave, *_) = windows = _windows(read(LONG))[:1]
        speeds = _speeds(engines, windows, LARGE_ROUNDS)
        scores = {name: _scores(engine, wave) for name, engine in engines.items()}
    figures = []
    for name, speed in speeds.items():
        off = float((scores[name] - scores[FLOAT32]).norm() / scores[FLOAT32].norm())
        same = float((scores[name].argmax(-1) == scores[FLOAT32].argmax(-1)).float().mean())
        figures += [
            Figure(f"random weights of the default architecture: {name}", speed, "× real time"),
            Figure("… relative error of its scores", 100 * off, "%"),
            Figure("… frames with the same best token", 100 * same, "%"),
        ]
    return [*figures, *_ratios(speeds)]


def _engines(model: Path, folder: Path) -> Engines:
    family = load_ctc("float32", str(model))
    exported = export(model, folder)
    nets = {"ONNX Runtime float32": OnnxNet(exported), "ONNX Runtime int8": OnnxNet(quantise(exported))}
    others = {name: _with_network(family, net) for name, net in nets.items()}
    ours = {f"torch {dtype}": load_ctc(dtype, str(model)) for dtype in FAST_DTYPES}
    return {FLOAT32: family, **ours, **others}


def _with_network(family: CtcFamily, network: torch.nn.Module) -> CtcFamily:
    pipe = copy(family.pipe)
    pipe.model = network
    return dataclasses.replace(family, network=PaddedNetwork(pipe))


def _windows(recordings: list[Recording]) -> list[Samples]:
    """The first whole window of each."""
    return [recording.wave[: round(WINDOW_S * 16_000)] for recording in recordings]


def _scores(engine: CtcFamily, wave: Samples) -> torch.Tensor:
    with torch.inference_mode():
        (scores,) = engine.network.score([wave])
        return scores.float()


def _speeds(engines: Engines, waves: list[Samples], rounds: int) -> dict[str, float]:
    """× real time; one round more, not counted, comes first."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(1 + rounds):
        for name, engine in engines.items():
            seconds[name].append(_timed(lambda engine=engine: [_scores(engine, wave) for wave in waves]))  # type: ignore[misc]
    return {name: len(waves) * WINDOW_S / statistics.median(each[1:]) for name, each in seconds.items()}


def _timed(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _heard(engines: Engines, recordings: list[Recording], setting: Setting) -> dict[str, Heard]:
    return {name: hear(engine, recordings, setting, at_once=1) for name, engine in engines.items()}


def _ratios(speeds: dict[str, float]) -> list[Figure]:
    best, best_onnx = (max(v for k, v in speeds.items() if k.startswith(name)) for name in ("torch", "ONNX"))
    return [Figure("ONNX Runtime's faster ÷ torch's fastest", best_onnx / best, "×")]
