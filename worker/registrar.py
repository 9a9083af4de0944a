"""Windows on their way from the cutter: into the store one by one, into the ledger in small groups."""

import time
from collections.abc import Callable

from jobs.errors import AudioUnreadable, ObjectMissing
from jobs.ledger import Ledger, PrepareUnit
from jobs.store import AudioStore, layout
from jobs.waveform import Waveform
from jobs.window import Window
from worker import samples
from worker.cutting import CutWindow, Samples

#: a group costs one call to Redis, about a millisecond; sixteen windows are five minutes of audio
GROUP_WINDOWS = 16
#: no written window waits longer than this for its registration while others are cut
GROUP_S = 0.5


class Registrar:
    """An object is in the store before the ledger knows its window, so whoever claims the window finds it."""

    def __init__(
        self,
        unit: PrepareUnit,
        ledger: Ledger,
        store: AudioStore,
        on_registered: Callable[[int, int], None],
        waited: Callable[[float], None],
    ) -> None:
        self._unit = unit
        self._ledger = ledger
        self._store = store
        self._on_registered = on_registered
        self._waited = waited
        self._group: list[Window] = []
        self._silent: list[int] = []
        self._last_call: float | None = None
        #: windows registered, by earlier slices too
        self.count = unit.registered
        #: windows of this job that nobody has claimed, as of the last registration
        self.waiting = 0

    def write(self, cut: CutWindow) -> None:
        """Put a window's samples in the store, where it has any; one that was registered before is only checked."""
        if cut.window.index < self._unit.registered:
            self._check(cut.window)
            if self._unit.repair and cut.samples is not None:
                self._repair(cut.window.index, cut.samples)
            return
        if cut.samples is None:
            self._silent.append(cut.window.index)
        else:
            self._put(cut.window.index, cut.samples)
        self._group.append(cut.window)

    def is_due(self) -> bool:
        """The first window at once, for a transcript that starts early; then by number or by time."""
        if not self._group:
            return False
        late = self._last_call is None or time.monotonic() - self._last_call >= GROUP_S
        return late or len(self._group) >= GROUP_WINDOWS

    def register(self, *, decoded_s: float, duration_s: float | None, channels: int) -> None:
        """Make the group claimable. Raises Refused where the unit isn't ours any more."""
        if not self._group:
            return
        self.waiting = self._ledger.register(
            self._unit,
            self._group,
            silent=self._silent,
            decoded_s=decoded_s,
            duration_s=duration_s,
            channels=channels,
        )
        added = len(self._group) - len(self._silent)
        self.count += len(self._group)
        self._group, self._silent = [], []
        self._last_call = time.monotonic()
        self._on_registered(added, self.waiting)

    def keep(self, waveform: Waveform) -> None:
        """Put the waveform in the store: before the job is prepared, so that whoever sees it end finds it."""
        self._store.write(layout.waveform(self._unit.job_id), [waveform.model_dump_json().encode()])

    def _check(self, window: Window) -> None:
        """Raises AudioUnreadable where the file no longer gives the windows that are known of it."""
        if window.index == self._unit.registered - 1 and window.cut_stop != self._unit.registered_stop:
            raise AudioUnreadable(
                "decoding it again gave other windows than before",
                remedy="Upload the file again: the server's decoders have changed meanwhile.",
            )

    def _repair(self, index: int, content: Samples) -> None:
        """Write a registered window again if its object is missing or damaged."""
        try:
            samples.unpack(self._store.read(layout.window(self._unit.job_id, index)))
        except ObjectMissing:
            self._put(index, content)

    def _put(self, index: int, content: Samples) -> None:
        data = samples.encode(content)
        began = time.monotonic()
        self._store.write(layout.window(self._unit.job_id, index), [data])
        self._waited(time.monotonic() - began)
