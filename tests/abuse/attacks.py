"""What somebody who means harm sends, and what each of it may be answered."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from itertools import repeat

import msgspec

from tests.abuse.forms import GARBAGE, SMUGGLED, broken_bodies
from tests.abuse.wire import CLOSED, OPEN, Target, connected, exchange

_MEGABYTE = b"x" * 1_000_000
_TRICKLES = 200
_IDLE = 1500
_WRONG_KEYS = 1000
_AT_ONCE = 20
Run = Callable[[Target], Awaitable[Counter[int]]]


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, what may be answered, and what it may cost."""

    run: Run
    answers: frozenset[int]
    growth_mb: int = 32
    """Of the memory of a process under attack, at its highest."""


async def bombs(target: Target) -> Counter[int]:
    """200 MB of zeros, packed in 200 KB."""
    packed = await asyncio.to_thread(gzip.compress, bytes(200_000_000), 1)
    body = target.post(packed, "Content-Encoding: gzip")
    return await _all(exchange(target, [body]) for _ in range(_AT_ONCE))


async def oversize_declared(target: Target) -> Counter[int]:
    """A body that is too large, and says so."""
    head = target.head("Content-Length: 100000000")
    return await _all(exchange(target, [head, *repeat(_MEGABYTE, 8)]) for _ in range(_AT_ONCE))


async def oversize_chunked(target: Target) -> Counter[int]:
    """A body without an end, that does not say so."""
    head = target.head("Transfer-Encoding: chunked")
    chunk = b"%x\r\n%s\r\n" % (len(_MEGABYTE), _MEGABYTE)
    return await _all(exchange(target, [head, *repeat(chunk, 8)]) for _ in range(_AT_ONCE))


async def broken_json(target: Target) -> Counter[int]:
    """Deep, giant, doubled, cut: bodies that a decoder may stumble over."""
    return await _all(exchange(target, [target.post(body)]) for body in broken_bodies())


async def slow_heads(target: Target) -> Counter[int]:
    """Slow-loris: heads that come byte by byte and never end."""
    return await _all(
        exchange(target, _trickle(b"GET / HTTP/1.1\r\n", b"a: b\r\n"), gap_s=0.1)
        for _ in range(_TRICKLES)
    )


async def slow_bodies(target: Target) -> Counter[int]:
    """Bodies that come byte by byte and never end, some of them without a key."""
    heads = (
        target.head("Content-Length: 1000"),
        b"POST %s HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" % target.path.encode(),
    )
    return await _all(
        exchange(target, _trickle(heads[one % 2], b" "), gap_s=0.1) for one in range(_TRICKLES)
    )


async def held_bodies(target: Target) -> Counter[int]:
    """Many large bodies of which only the last byte is missing."""
    head = target.head("Content-Length: 4000000")
    return await _all(exchange(target, [head, b" " * 3_999_999]) for _ in range(60))


async def header_floods(target: Target) -> Counter[int]:
    """One giant header, thousands of headers, a header, a trailer or a target without an end."""
    start, body = b"GET / HTTP/1.1\r\n", target.head("Transfer-Encoding: chunked")
    floods = (
        [start + b"a: " + _MEGABYTE + b"\r\n\r\n"],
        [start + b"a: b\r\n" * 10_000 + b"\r\n"],
        [start + b"a: ", *repeat(_MEGABYTE, 20)],
        [b"GET /", *repeat(_MEGABYTE, 20)],
        [b"GET /healthz?" + b"a=b&" * 10_000 + b" HTTP/1.1\r\n\r\n"],
        [body + b"1\r\n \r\n0\r\na: ", *repeat(_MEGABYTE, 20)],
        [body + b"1;", *repeat(_MEGABYTE, 20)],
    )
    return await _all(exchange(target, parts) for parts in floods for _ in range(3))


async def endless_queries(target: Target) -> Counter[int]:
    """Thousands of parameters, of one name and of many, and values without an end."""
    queries = (
        "filter=a:b&" * 2900,
        "exclude=a&" * 3200,
        "&".join(f"p{number}=1" for number in range(3500)),
        "user_id=" + "a" * 30_000,
        "limit=" + "9" * 30_000,
        "seed=" + "9" * 30_000,
        "near=" + "1" * 15_000 + "," + "1" * 15_000,
        "language=" + "a-" * 15_000,
        "&" * 30_000,
        "%" * 30_000,
    )
    heads = (
        target.head("Connection: close", method="GET", path=f"/api/recommend?{query}")
        for query in queries
    )
    return await _all(exchange(target, [head]) for head in heads for _ in range(3))


async def idle_connections(target: Target) -> Counter[int]:
    """More connections than are let in, and none of them says anything."""
    async with AsyncExitStack() as stack:
        readers = [(await stack.enter_async_context(connected(target)))[0] for _ in range(_IDLE)]
        found = await asyncio.gather(*(_ends(reader) for reader in readers))
    return Counter(found)


async def silent_readers(target: Target) -> Counter[int]:
    """Requests by the dozen for the largest document, and nobody who reads the answers."""
    asking = target.head(method="GET", path="/openapi.json") * 30
    async with AsyncExitStack() as stack:
        for _ in range(50):
            _, writer = await stack.enter_async_context(connected(target))
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(asking)
        await asyncio.sleep(1)
    return Counter({CLOSED: 50})


async def endless_pipelines(target: Target) -> Counter[int]:
    """Requests behind requests, without waiting for an answer."""
    asking = target.head(method="GET", path="/healthz") * 5000
    return await _all(exchange(target, [asking] * 5) for _ in range(10))


async def wrong_keys(target: Target) -> Counter[int]:
    """A thousand guesses."""
    heads = (
        f"POST {target.path} HTTP/1.1\r\nX-API-Key: guess-{number}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        for number in range(_WRONG_KEYS)
    )
    return await _all(exchange(target, [head.encode()]) for head in heads)


async def garbage(target: Target) -> Counter[int]:
    """What is not HTTP at all."""
    return await _all(exchange(target, [one]) for one in GARBAGE)


async def smuggling(target: Target) -> Counter[int]:
    """Requests of which two servers might not see the same end."""
    start = target.head().removesuffix(b"\r\n")
    return await _all(exchange(target, [start + one]) for one in SMUGGLED)


ATTACKS: Mapping[str, Attack] = {
    "gzip bombs": Attack(run=bombs, answers=frozenset({413, 415})),
    "oversize bodies, declared": Attack(run=oversize_declared, answers=frozenset({413})),
    "oversize bodies, chunked": Attack(
        run=oversize_chunked, answers=frozenset({413, 503}), growth_mb=128
    ),
    "deep and broken JSON": Attack(run=broken_json, answers=frozenset({200, 400, 413})),
    "heads that trickle": Attack(run=slow_heads, answers=frozenset({CLOSED})),
    "bodies that trickle": Attack(run=slow_bodies, answers=frozenset({401, 503})),
    "bodies that are held": Attack(run=held_bodies, answers=frozenset({413, 503}), growth_mb=128),
    "header floods": Attack(run=header_floods, answers=frozenset({400, 414, 431})),
    "endless queries": Attack(run=endless_queries, answers=frozenset({400, 404})),
    "idle connections": Attack(run=idle_connections, answers=frozenset({CLOSED})),
    "answers nobody reads": Attack(run=silent_readers, answers=frozenset({CLOSED})),
    "endless pipelines": Attack(run=endless_pipelines, answers=frozenset({CLOSED, 200})),
    "wrong keys": Attack(run=wrong_keys, answers=frozenset({401, 429})),
    "garbage": Attack(run=garbage, answers=frozenset({400, 431, CLOSED})),
    "request smuggling": Attack(run=smuggling, answers=frozenset({400})),
}


async def _all(exchanges: Iterator[Awaitable[int]]) -> Counter[int]:
    """The answers, each as often as it came; no more at once than a machine has ports for."""
    free = asyncio.Semaphore(_TRICKLES)

    async def one(exchanged: Awaitable[int]) -> int:
        async with free:
            return await exchanged

    return Counter(await asyncio.gather(*map(one, exchanges)))


def _trickle(start: bytes, piece: bytes) -> Iterator[bytes]:
    yield start
    yield from repeat(piece, 150)


async def _ends(reader: asyncio.StreamReader) -> int:
    try:
        return len(await asyncio.wait_for(reader.read(), 15))
    except TimeoutError:
        return OPEN
    except OSError:
        return CLOSED
