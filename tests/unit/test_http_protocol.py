"""A connection of its own against a server: what it may send, and how long it may take."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import chain, repeat

import pytest
from starlette.types import Receive, Scope, Send

from adapters.http_limits import HttpLimits
from adapters.process import serve_http

HEAD_S = 0.4
LIMITS = HttpLimits(
    head_timeout_s=HEAD_S,
    keep_alive_s=1,
    max_head_bytes=4096,
    max_connections=5,
    max_bodies_bytes=300_000,
)
GET = b"GET / HTTP/1.1\r\n\r\n"
CHUNKED = b"POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECES = 200


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how many headers and bytes it got; `/large` says much, all but `/body` reads nothing."""
    size, more = 0, scope["path"] == "/body"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    said = b"%d %d" % (len(scope["headers"]), size)
    body = bytes(20_000_000) if scope["path"] == "/large" else said
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    stopping = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(app, "127.0.0.1", 0, stopping, port.set_result, limits=LIMITS))
        try:
            yield await port
        finally:
            stopping.set()


async def told(
    parts: Iterable[bytes], port: int | None = None, *, gap_s: float = 0.0
) -> tuple[bytes, float]:
    """All that comes back until the server closes, and after how long it does."""
    if port is None:
        async with serving() as own:
            return await told(parts, own, gap_s=gap_s)
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reading = asyncio.create_task(reader.read())
    with suppress(OSError):
        for part in parts:
            if reading.done():
                break
            writer.write(part)
            await asyncio.sleep(gap_s)
    try:
        return await asyncio.wait_for(reading, 10), time.monotonic() - started
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    "parts",
    [
        (),
        chain([b"GET / HTTP/1.1\r\n"], repeat(b"a: b\r\n", PIECES)),
        repeat(b"\r\n", PIECES),
        chain([GET, b"GET /"], repeat(b"a", PIECES)),
        chain([GET], repeat(b"\r\n", PIECES)),
        chain([b"POST / HTTP/1.1\r\nContent-Length: 999\r\n\r\n"], repeat(b"a", PIECES)),
    ],
    ids=["nothing", "a head", "no head", "a second head", "no second head", "an answered body"],
)
async def test_who_trickles_is_closed_in_the_time_of_a_head(parts: Iterable[bytes]) -> None:
    got, seconds = await told(parts, gap_s=HEAD_S / 8)
    assert got.count(b"HTTP/1.1 200") == got.count(b"HTTP/1.1 ")
    assert HEAD_S / 2 < seconds < PIECES * HEAD_S / 16


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (431, [b"GET / HTTP/1.1\r\na: " + b"b" * 5000 + b"\r\n\r\n"]),
        (431, [b"GET / HTTP/1.1\r\n", *repeat(b"a: " + b"b" * 400 + b"\r\n", 12)]),
        (431, [b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n"]),
        (431, [b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 102]),
        (431, [CHUNKED + b"1\r\na\r\n0\r\n", *repeat(b"a: " + b"b" * 400 + b"\r\n", 12)]),
        (431, [CHUNKED + b"1;", *repeat(b"b" * 400, 12)]),
        (414, [b"GET /" + b"a" * 2048 + b" HTTP/1.1\r\n\r\n"]),
        (414, [b"GET /", *repeat(b"a" * 400, 6)]),
        (400, [b"GET / HTTP/1.1\r\nno colon\r\n\r\n"]),
        (503, [b"POST /body HTTP/1.1\r\nContent-Length: 300001\r\n\r\n" + b"a" * 300_001]),
    ],
)
async def test_what_is_out_of_bounds_is_told_so_and_closed(
    status: int, parts: Iterable[bytes]
) -> None:
    got, _ = await told(parts, gap_s=0.001)
    assert got.startswith(b"HTTP/1.1 %d " % status)
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in got
    assert b'"status":%d' % status in got


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        (b"1 0", [b"GET / HTTP/1.0\r\na: " + b"b" * 4000 + b"\r\n\r\n"]),
        (b"100 0", [b"GET / HTTP/1.0\r\n" + b"a: b\r\n" * 100 + b"\r\n"]),
        (b"0 0", [b"GET /" + b"a" * 2047 + b" HTTP/1.0\r\n\r\n"]),
        (b"1 9000", [b"POST /body HTTP/1.0\r\nContent-Length: 9000\r\n\r\n" + b"a" * 9000]),
        (b"1 9000", [CHUNKED, *repeat(b"3\r\naaa\r\n", 3000), b"0\r\n\r\n"]),
        (b"1 1", [CHUNKED + b"1\r\na\r\n0\r\n" + b"x-api-key: late\r\n" * 120 + b"\r\n"]),
        (b"2 0", [b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"]),
    ],
)
async def test_what_is_within_bounds_is_answered(said: bytes, parts: Iterable[bytes]) -> None:
    got, _ = await told(parts)
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b"\r\n\r\n" + said)


async def test_what_follows_an_upgrade_is_not_a_request() -> None:
    asking = (
        b"POST /body HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
    )
    got, _ = await told([asking, GET, GET], gap_s=0.001)
    assert got.count(b"HTTP/1.1 200 ") == got.count(b"connection: close") == 1


async def test_a_few_pipelined_requests_are_answered_and_thousands_closed() -> None:
    got, _ = await told([GET * 20])
    assert got.count(b"HTTP/1.1 200 ") == 20
    with suppress(ConnectionError):
        got, _ = await told([GET * 2000])
        assert got.count(b"HTTP/1.1 ") < 100


async def test_a_silent_crowd_does_not_keep_others_out() -> None:
    async with serving() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        got, _ = await told([b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"], port)
        assert got.startswith(b"HTTP/1.1 200 ")
        for _, writer in silent:
            writer.transport.abort()


async def test_who_does_not_read_an_answer_is_cut_off() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /large HTTP/1.1\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(8 * HEAD_S)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        got = b""
        with suppress(ConnectionError):
            got = await asyncio.wait_for(reader.read(), 10)
        assert len(got) < 20_000_000
        writer.transport.abort()
