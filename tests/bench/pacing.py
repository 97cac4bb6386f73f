"""A load of so many requests a second, whether or not the answers come in time.

Latency counts from the moment at which a request was due: a server that falls
behind cannot hide it by being asked less.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from time import perf_counter

from tests.bench.client import answer_end
from tests.bench.harness import Repetition, Sample

_WITHIN_S = 30.0


def paced(
    port: int, requests: Sequence[bytes], *, a_second: float, connections: int, seconds: float
) -> Repetition:
    """A repetition: the connections share what is due, each asks one after the other."""

    async def run() -> Sample:
        due, latencies = count(), list[float]()
        started = perf_counter()

        async def ask() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while (at := started + (number := next(due)) / a_second) < started + seconds:
                await asyncio.sleep(max(0.0, at - perf_counter()))
                writer.write(requests[number % len(requests)])
                await _answered(reader)
                latencies.append((perf_counter() - at) * 1000)
            writer.close()

        async with asyncio.timeout(seconds + _WITHIN_S), asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(ask())
        return Sample.of(latencies, perf_counter() - started)

    return run


async def _answered(reader: asyncio.StreamReader) -> None:
    received = bytearray()
    while answer_end(received) is None:
        data = await reader.read(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        received += data
    if not received.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"not 200: {bytes(received[:200])!r}")
