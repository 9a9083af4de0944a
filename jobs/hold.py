"""A named lock of the ledger, held over some work and renewed while the work shows life."""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

from jobs.errors import LedgerUnavailable, TingxieError, UploadLocked
from jobs.ledger import Ledger

Piece = TypeVar("Piece")

#: who has shown no life for this long has lost the lock to whoever asks next
LOCK_S = 10.0
RENEW_S = 3.0


class Hold:
    """`with Hold(…):` the lock is the caller's; raises `busy` where it is another's."""

    def __init__(self, ledger: Ledger, name: str, busy: TingxieError) -> None:
        self.holder = uuid.uuid4().hex[:12]
        self._ledger = ledger
        self._name = name
        self._busy = busy

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(LedgerUnavailable):  # it ends by itself
            self._ledger.let_go(self._name, self.holder)

    def renew(self) -> None:
        """Raises what `busy` is once somebody else has the lock."""
        if not self._ledger.hold(self._name, self.holder, LOCK_S):
            raise self._busy

    def renewing(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same pieces; the lock is renewed as they pass."""
        renewed = time.monotonic()
        for piece in pieces:
            if time.monotonic() - renewed > RENEW_S:
                self.renew()
                renewed = time.monotonic()
            yield piece

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew it from a thread meanwhile: for one call that takes long."""
        done = threading.Event()
        thread = threading.Thread(target=self._keep, args=(done,), name="hold", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _keep(self, done: threading.Event) -> None:
        while not done.wait(RENEW_S):
            with suppress(TingxieError):  # whoever waits for the call asks again after it
                self.renew()


def upload_hold(ledger: Ledger, upload_id: str) -> Hold:
    """While it is kept nobody else works on the upload. Raises UploadLocked where somebody does."""
    return Hold(ledger, f"upload:{upload_id}", UploadLocked())
