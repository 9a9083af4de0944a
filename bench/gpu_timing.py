"""How long a device takes, by its own events after a warm-up; graphs of one shape; batches streamed to it."""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

#: a network, or what stands for one: int16 samples [window, sample] to tokens and confidences
Run = Callable[[Tensor], tuple[Tensor, Tensor]]
WARM_UP = 3


class Clock:
    """What is left of the whole program's time; sections and sweeps ask it before they go on."""

    def __init__(self, limit_s: float) -> None:
        self._ends = time.monotonic() + limit_s

    @property
    def left_s(self) -> float:
        return self._ends - time.monotonic()


def seconds(call: Callable[[], object], device: torch.device, *, repeats: int = 10, within_s: float = 5.0) -> float:
    """Median of the repeats, each timed on the device; fewer of them where they would take longer than `within_s`."""
    for _ in range(WARM_UP if device.type == "cuda" else 1):
        call()
    if device.type != "cuda":
        return statistics.median(_wall_s(call) for _ in range(min(repeats, 3)))
    torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    torch.cuda.synchronize()
    one_s = time.perf_counter() - began
    repeats = max(3, min(repeats, int(within_s / max(one_s, 1e-6))))
    marks: list[Any] = [torch.cuda.Event(enable_timing=True) for _ in range(repeats + 1)]  # type: ignore[no-untyped-call]
    marks[0].record()
    for mark in marks[1:]:
        call()
        mark.record()
    torch.cuda.synchronize()
    taken: list[float] = [before.elapsed_time(after) / 1000 for before, after in pairwise(marks)]
    return statistics.median(taken)


def _wall_s(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


class Graphed:
    """A network recorded as one CUDA graph for one shape; outputs are overwritten by the next call."""

    def __init__(self, run: Run, like: Tensor) -> None:
        self._input = like.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side), torch.inference_mode():
            for _ in range(WARM_UP):
                run(self._input)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph), torch.inference_mode():
            self.outputs = run(self._input)

    def __call__(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        self._input.copy_(samples)
        self._graph.replay()
        return self.outputs


class Feed:
    """Batches of pinned memory through a network: while one computes, the next is on its way to the device."""

    def __init__(self, run: Run, host: list[Tensor], device: torch.device) -> None:
        self._run = run
        self._host = host
        self._device = device
        with torch.inference_mode():
            ids, sure = run(host[0].to(device))
        pinned = device.type == "cuda"
        self.ids = torch.full((len(host), *ids.shape), -1, dtype=ids.dtype, pin_memory=pinned)
        self.sure = torch.full((len(host), *sure.shape), -1, dtype=sure.dtype, pin_memory=pinned)
        self._staged = [torch.empty_like(host[0], device=device) for _ in range(2)]

    @torch.inference_mode()
    def __call__(self) -> None:
        if self._device.type != "cuda":
            for number, batch in enumerate(self._host):
                self.ids[number], self.sure[number] = self._run(batch)
            return
        copying = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        computing = torch.cuda.current_stream()
        copying.wait_stream(computing)
        free: list[Any] = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
        for number, batch in enumerate(self._host):
            slot = number % 2
            arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            with torch.cuda.stream(copying):
                if number > 1:
                    copying.wait_event(free[slot])
                self._staged[slot].copy_(batch, non_blocking=True)
                arrived.record(copying)
            computing.wait_event(arrived)
            ids, sure = self._run(self._staged[slot])
            free[slot].record(computing)
            self.ids[number].copy_(ids, non_blocking=True)
            self.sure[number].copy_(sure, non_blocking=True)
