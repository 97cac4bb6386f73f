"""A TCP port whose other end can be moved, and that can fall silent: a network for tests."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

_HOST = "127.0.0.1"
_WITHIN_S = 10
_CHUNK = 65_536


class Forwarder:
    """Passes bytes on to a port of this machine, from a thread of its own."""

    def __init__(self, target: int) -> None:
        """`target` is the port that connections reach, until `switch`."""
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._passing = asyncio.Event()
        self._passing.set()
        self._connections: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Self:
        """Open the port."""
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._connected, _HOST, 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port and every connection."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WITHIN_S)
        self._loop.close()

    def hold(self) -> None:
        """Let nothing through any more; what is under way does not arrive either."""

        async def hold() -> None:
            self._passing.clear()

        self._run(hold())

    def switch(self, target: int) -> None:
        """Cut every connection; new ones reach another port."""
        self._target = target
        self._run(self._cut())

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(_WITHIN_S)

    async def _close(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        cut = list(self._connections)
        for connection in cut:
            connection.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [to_near]
        try:
            with suppress(OSError):
                far, to_far = await asyncio.open_connection(_HOST, self._target)
                writers.append(to_far)
                await self._pass_both(near, to_far, far, to_near)
        except asyncio.CancelledError:
            pass  # cut; the server's own task must not end with it
        finally:
            self._connections.discard(task)
            for writer in writers:
                writer.close()

    async def _pass_both(
        self,
        near: asyncio.StreamReader,
        to_far: asyncio.StreamWriter,
        far: asyncio.StreamReader,
        to_near: asyncio.StreamWriter,
    ) -> None:
        ways = {
            asyncio.create_task(self._pass_on(near, to_far)),
            asyncio.create_task(self._pass_on(far, to_near)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            await self._passing.wait()
            sink.write(data)
            await sink.drain()
