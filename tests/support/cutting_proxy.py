"""A TCP proxy that cuts connections in the middle: the network between a client and the front end."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PIECE_BYTES = 64 * 1024


class CuttingProxy:
    """Passes on what comes to `url`; each number in `cuts` ends one connection, once so many bytes went through it."""

    def __init__(self, target: str, cuts: list[int]) -> None:
        address = urlsplit(target)
        self._target = (address.hostname or "", address.port or 0)
        self.cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            answers = threading.Thread(target=self._pass_on, args=(server, client), daemon=True)
            answers.start()
            self._pass_on(client, server, cuttable=True)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            answers.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket, *, cuttable: bool = False) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                sink.sendall(piece)
                passed += len(piece)
                if cuttable and self.cuts and passed >= self.cuts[0]:
                    self.cuts.pop(0)
                    return
