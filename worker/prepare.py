"""The prepare phase: one job's upload becomes windows in the store and in the ledger, in bounded memory.

A slice of it ends early for other jobs, or parks while enough of its windows wait. The next slice decodes again from
the start and drops what is known: the decoders' blocks, the resampler and the cuts are deterministic, and the warnings
need the whole file anyway. The slices grow with the time that this takes, so it costs at most a third.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from jobs.errors import AudioEmpty, AudioGone, AudioTooHeavy, JobError, ObjectMissing, Problem, Unavailable
from jobs.ledger import Ledger, PrepareUnit, Refused
from jobs.settings import Settings
from jobs.store import AudioStore, layout
from worker.cutting import Cutter, CutWindow, make_rule
from worker.decode import AudioSource, Resampler, open_audio
from worker.peaks import Peaks
from worker.registrar import Registrar
from worker.silences import SilenceRule
from worker.skipping import SkippingCutter
from worker.speech import SpeechDetector

log = structlog.get_logger(__name__)

#: a slice lasts at least this many times what it took to come back to where the last one ended
SLICE_PER_SKIP = 2.0


def prepare(
    unit: PrepareUnit,
    ledger: Ledger,
    store: AudioStore,
    settings: Settings,
    *,
    should_yield: Callable[[], bool],
    is_draining: Callable[[], bool] = lambda: False,
    on_registered: Callable[[int, int], None] = lambda _added, _waiting: None,
    waited: Callable[[float], None] = lambda _seconds: None,
    fetched: Callable[[], bool] = lambda: True,
) -> None:
    """Work on a claimed unit until the job is prepared, failed, refused, parked or yielded; the ledger knows which.

    should_yield: others wait; asked once settings.prepare_slice_s of work are done. is_draining: this process is to
    end; asked about twice a second. on_registered: so many windows became claimable, and so many of the job's now wait
    unclaimed. waited: so many seconds went to the store. fetched: brings the audio into the store if it isn't there;
    False if the unit was given up meanwhile. Raises Unavailable (Redis, the store, or a drain while the audio was
    coming): the unit is still ours then.
    """
    try:
        if not fetched():
            return
        registrar = Registrar(unit, ledger, store, on_registered, waited)
        slice_ = _Slice(unit, ledger, settings, registrar=registrar, should_yield=should_yield, is_draining=is_draining)
        with store.local_file(layout.audio(unit.job_id), _pieces(waited, is_draining)) as path:
            slice_.run(path)
    except Refused:
        log.info("prepare.refused", job_id=unit.job_id, fence=unit.fence)
    except JobError as error:
        _fail(unit, ledger, error)
    except ObjectMissing as error:  # the audio, or what was fetched of it so far
        _fail(unit, ledger, AudioGone(error.detail))
    except MemoryError:
        # A decoder that a damaged header asks for gigabytes: it would ask again on every attempt.
        _fail(unit, ledger, AudioTooHeavy(f"decoding needs more than {settings.prepare_memory_bytes:,} bytes"))


def _fail(unit: PrepareUnit, ledger: Ledger, error: JobError) -> None:
    log.info("prepare.failed", job_id=unit.job_id, error=error.type, detail=error.detail)
    try:
        ledger.fail_job(unit, Problem.of(error))
    except Refused:
        log.info("prepare.refused", job_id=unit.job_id, fence=unit.fence)


def _pieces(waited: Callable[[float], None], is_draining: Callable[[], bool]) -> Callable[[], None]:
    """To be called as each piece of the audio comes. Raises Unavailable once this process is to end."""
    last = time.monotonic()

    def came() -> None:
        nonlocal last
        now = time.monotonic()
        waited(now - last)
        last = now
        if is_draining():
            raise Unavailable("this process is to end")

    return came


@dataclass(slots=True)
class Progress:
    """The channels that were cut to their end: how many, their windows, and their samples at the model's rate."""

    channel: int = 0
    channels: int = 1
    windows: int = 0
    samples: int = 0
    warnings: list[dict[str, str]] = field(default_factory=list)

    def after(self, cutter: Cutter | SkippingCutter, warnings: list[dict[str, str]]) -> "Progress":
        """With one channel more."""
        samples = self.samples + cutter.total_samples
        return Progress(self.channel + 1, self.channels, cutter.windows, samples, warnings)


class _Slice:
    """One stretch of work on one unit.

    Channels that are transcribed apart lie one after another on the job's timeline, each cut for itself: so a job has
    one row of windows, whatever its channels. The file is decoded once for each of them; its length, and with it where
    the next channel begins, is known only at its end.
    """

    def __init__(
        self,
        unit: PrepareUnit,
        ledger: Ledger,
        settings: Settings,
        *,
        registrar: Registrar,
        should_yield: Callable[[], bool],
        is_draining: Callable[[], bool],
    ) -> None:
        self._unit = unit
        self._ledger = ledger
        self._settings = settings
        self._should_yield = should_yield
        self._is_draining = is_draining
        self._registrar = registrar
        self._started = time.monotonic()
        self._slice_s = settings.prepare_slice_s
        self._skipping = unit.registered > 0
        request = unit.request
        self._rule = make_rule(unit.spec, request.cutting, window_s=request.window_s, context_s=request.context_s)
        self._is_split = request.channels == "split"
        self._peaks = Peaks(unit.spec.sampling_rate_hz)

    def run(self, path: Path) -> None:
        done = Progress()
        while done.channel < done.channels:
            with open_audio(
                path, max_duration_s=self._settings.max_duration_s, channel=done.channel if self._is_split else None
            ) as source:
                done.channels = source.info.channels if self._is_split else 1
                cutter = self._cutter(done)
                parked = self._cut(source, cutter, done)
                if parked is not None:
                    return self._leave(parked=parked)
                done = done.after(cutter, source.warnings())
        return self._end(done)

    def _cutter(self, done: Progress) -> Cutter | SkippingCutter:
        """One that goes on where the last slice ended; or from the start, where what is known must be gone over.

        That is to see which objects are missing, and to find where each channel begins.
        """
        anew = self._unit.repair or self._is_split
        index, cut_start = (done.windows, 0) if anew else (self._unit.registered, self._unit.registered_stop)
        if not self._unit.request.skip_silence:
            return Cutter(self._rule, index=index, cut_start=cut_start)
        spec = self._unit.spec
        silence = SilenceRule.of_request(self._unit.request, spec)
        detector = SpeechDetector(spec.sampling_rate_hz)
        return SkippingCutter(self._rule, silence, detector, index=index, cut_start=cut_start)

    def _cut(self, source: AudioSource, cutter: Cutter | SkippingCutter, done: Progress) -> bool | None:
        """One channel, to its end (None) or to the end of this slice: whether the job then parks."""
        for block in self._peaks.of(_at_rate(source, self._unit.spec.sampling_rate_hz)):
            for cut in cutter.feed(block):
                self._write(cut, done)
            if self._registrar.is_due():
                self._register(source, done)
                if self._is_over():
                    return self._is_ahead()
            if self._is_draining():
                self._register(source, done)
                return False
        for cut in cutter.finish():
            self._write(cut, done)
        self._register(source, done)
        return None

    def _write(self, cut: CutWindow, done: Progress) -> None:
        self._notice_arrival(cut)
        self._registrar.write(cut if done.samples == 0 else CutWindow(cut.window.moved(done.samples), cut.samples))

    def _notice_arrival(self, cut: CutWindow) -> None:
        """At the first new window: the time that the way to it took makes the slice longer."""
        if self._skipping and cut.window.index >= self._unit.registered:
            self._skipping = False
            skipped_s = time.monotonic() - self._started
            self._slice_s = skipped_s + max(self._settings.prepare_slice_s, SLICE_PER_SKIP * skipped_s)

    def _register(self, source: AudioSource, done: Progress) -> None:
        """The ledger's lengths are those of the timeline: of all channels, where each is transcribed."""
        before_s = done.samples / self._unit.spec.sampling_rate_hz
        duration_s = None if source.duration_s is None else source.duration_s * done.channels
        self._registrar.register(decoded_s=before_s + source.decoded_s, duration_s=duration_s, channels=done.channels)

    def _is_ahead(self) -> bool:
        return self._registrar.waiting >= self._settings.prepare_ahead_windows

    def _is_over(self) -> bool:
        worked_s = time.monotonic() - self._started
        return self._is_ahead() or (not self._skipping and worked_s >= self._slice_s and self._should_yield())

    def _leave(self, *, parked: bool) -> None:
        self._ledger.yield_prepare(self._unit, parked=parked)
        log.info(
            "prepare.yielded",
            job_id=self._unit.job_id,
            parked=parked,
            windows=self._registrar.count,
            worked_s=round(time.monotonic() - self._started, 3),
        )

    def _end(self, done: Progress) -> None:
        if done.samples == 0:
            raise AudioEmpty("the file holds less than one sample at the model's rate")
        self._registrar.keep(self._peaks.waveform())
        self._ledger.prepared(self._unit, total_samples=done.samples, warnings=done.warnings)
        log.info(
            "prepare.done",
            job_id=self._unit.job_id,
            duration_s=round(done.samples / done.channels / self._unit.spec.sampling_rate_hz, 3),
            channels=done.channels,
            windows=self._registrar.count,
            warnings=[warning["type"] for warning in done.warnings],
            worked_s=round(time.monotonic() - self._started, 3),
        )


def _at_rate(source: AudioSource, rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """The source's blocks at the model's rate."""
    resampler = Resampler(source.info.sampling_rate_hz, rate_hz)
    for block in source.blocks():
        yield resampler.feed(block)
    yield resampler.finish()
