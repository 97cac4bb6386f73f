"""Bytes to a port and what comes back: no HTTP client sends what these attacks send."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import msgspec

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
CLOSED = 0
"""In place of a status: closed without a word."""
OPEN = -1
"""The connection was still open and silent when nobody waited any longer."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A service under attack."""

    name: str
    port: int
    path: str
    """Takes a POST."""
    key: str

    def head(self, *fields: str, method: str = "POST", path: str = "") -> bytes:
        """The head of a request with the right key."""
        lines = (
            f"{method} {path or self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"X-API-Key: {self.key}",
            "Content-Type: application/json",
            *fields,
        )
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    def post(self, body: bytes, *fields: str) -> bytes:
        """A whole request."""
        return self.head(f"Content-Length: {len(body)}", "Connection: close", *fields) + body


@asynccontextmanager
async def connected(
    target: Target,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection, cut at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(
    target: Target, parts: Iterable[bytes], *, gap_s: float = 0.0, patience_s: float = 15.0
) -> int:
    """The status that is answered to these bytes, sent one after the other."""
    try:
        async with connected(target) as (reader, writer):
            answering = asyncio.ensure_future(_status(reader))
            with suppress(OSError):
                for part in parts:
                    if answering.done():
                        break
                    writer.write(part)
                    await asyncio.wait_for(writer.drain(), patience_s)
                    await asyncio.sleep(gap_s)
            return await asyncio.wait_for(answering, patience_s)
    except TimeoutError:
        return OPEN
    except OSError:
        return CLOSED


async def _status(reader: asyncio.StreamReader) -> int:
    """Raises: nothing; a connection that is reset is closed."""
    got = b""
    with suppress(OSError):
        while part := await reader.read(65_536):
            got += part
            if found := _STATUS.match(got):
                return int(found[1])
    return CLOSED
