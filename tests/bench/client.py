"""An HTTP client that costs little: prebuilt requests, answers cut by their length.

It must not be what a bench measures, so it reads of an answer only the status
and the content-length; any status but 200 ends the bench.
"""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from itertools import cycle
from time import perf_counter
from types import TracebackType
from typing import Self, cast

from tests.bench.harness import Repetition, Sample

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_WITHIN_S = 30.0


def post(path: str, body: bytes) -> bytes:
    """A whole POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    """A whole GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def answer_end(received: bytes | bytearray) -> int | None:
    """Where the first answer ends, None while it is incomplete."""
    head_end = received.find(_HEAD_END)
    if head_end < 0:
        return None
    head = bytes(received[:head_end]).lower()
    at = head.index(_LENGTH) + len(_LENGTH)
    line_end = head.find(b"\r\n", at)
    length = int(head[at:] if line_end < 0 else head[at:line_end])
    end = head_end + len(_HEAD_END) + length
    return end if len(received) >= end else None


def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Repetition:
    """A repetition: keep-alive connections that each ask again once they are answered."""

    async def run() -> Sample:
        loop = asyncio.get_running_loop()
        following = cycle(requests)
        latencies: list[float] = []
        started = perf_counter()
        asking = []
        for _ in range(connections):
            one = _Connection(following, latencies, started + seconds)
            await loop.create_connection(lambda one=one: one, "127.0.0.1", port)  # type: ignore[misc]
            asking.append(one.done)
        async with asyncio.timeout(seconds + _WITHIN_S):
            await asyncio.gather(*asking)
        return Sample.of(latencies, perf_counter() - started)

    return run


class _Connection(asyncio.Protocol):
    """One connection of a load: at most one request under way."""

    def __init__(
        self, requests: Iterator[bytes], latencies_ms: list[float], deadline: float
    ) -> None:
        self._requests = requests
        self._latencies = latencies_ms
        self._deadline = deadline
        self._received = bytearray()
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = answer_end(self._received)
        if end is None or self._transport is None:
            return
        if not self._received.startswith(b"HTTP/1.1 200"):
            self._finish(RuntimeError(f"not 200: {bytes(self._received[:200])!r}"))
            return
        now = perf_counter()
        self._latencies.append((now - self._sent) * 1000)
        del self._received[:end]
        if now < self._deadline:
            self._ask(self._transport)
        else:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _ask(self, transport: asyncio.Transport) -> None:
        self._sent = perf_counter()
        transport.write(next(self._requests))

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        if self._transport is not None:
            self._transport.close()


class Connection:
    """One blocking keep-alive connection, for questions asked one by one."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        self._socket.sendall(request)
        received = bytearray()
        while (end := answer_end(received)) is None:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            received += data
        head, _, body = bytes(received[:end]).partition(_HEAD_END)
        return int(head.split(b" ", 2)[1]), body
