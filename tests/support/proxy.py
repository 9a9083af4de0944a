"""A TCP proxy in front of a server (Redis, say) that resets, delays and blackholes, as networks do."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable

HOST = "127.0.0.1"
PIECE_BYTES = 1 << 16
#: setsockopt(SO_LINGER): close at once, with a reset
AT_ONCE = struct.pack("ii", 1, 0)


class Proxy:
    """One event loop in a thread of its own; what is changed applies to connections that are open already, too."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server((HOST, 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._writers: set[asyncio.StreamWriter] = set()
        self._delay_s = 0.0
        #: connections that were reset
        self.resets = 0
        #: pieces that were held back or delayed
        self.held = 0
        self._loop = asyncio.new_event_loop()
        self._through = asyncio.Event()
        self._through.set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def reset(self) -> None:
        """All connections end with a TCP reset; new ones are taken."""
        self._call(self._reset)

    def delay(self, seconds: float) -> None:
        """From now on, each piece of data in either direction is held for so long."""
        self._delay_s = seconds

    def blackhole(self) -> None:
        """Connections are taken and nothing gets through, in either direction, until `heal`. Then it all arrives."""
        self._call(self._through.clear)

    def heal(self) -> None:
        self._delay_s = 0.0
        self._call(self._through.set)

    def close(self) -> None:
        self._call(self._loop.stop)
        self._thread.join()

    def _call(self, change: Callable[[], object]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (change(), done.set()))
        done.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        server.close()
        self._reset()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._through.wait()
            up_reader, up_writer = await asyncio.open_connection(HOST, self._upstream)
        except OSError:  # the server is away: so are we
            self._end(writer)
            return
        self._writers.add(up_writer)
        await asyncio.gather(self._pass(reader, up_writer), self._pass(up_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                if self._delay_s or not self._through.is_set():
                    self.held += 1
                    await asyncio.sleep(self._delay_s)
                    await self._through.wait()
                writer.write(piece)
                await writer.drain()
        self._end(writer)

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    def _reset(self) -> None:
        for writer in list(self._writers):
            self.resets += 1
            connection = writer.get_extra_info("socket")
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()
        self._writers.clear()
