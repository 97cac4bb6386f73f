"""`GET /api/recommend` of the real read API over a real Valkey, with 10,000 items.

- Requests a second at 32 connections, p50 and p99 at one, where no request waits
  for another. Ceiling: the same server with a constant answer (see `constant`),
  asked by the same client in turns.
- CPU of an answer. Ceiling: that of the library alone (`Recommender.recommend`
  over models in memory) for the same visitors, in turns; what HTTP, Redis and
  encoding add to it is a row of its own, beside what it may be.
- CPU of an answer with its explanation. Ceiling: the same without.
- p99 at half of the rate that it must hold, each request counted from when it
  was due, beside what it may be.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median
from time import monotonic, thread_time

import httpx
import msgspec

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms, settle
from adapters.redis.connection import connect
from adapters.redis.snapshot_shelf import RedisSnapshotShelf
from adapters.redis.user_models import RedisUserModelStore
from adapters.settings import SharedSettings
from adapters.snapshot.binding import SHELF
from adapters.snapshot.file import write_snapshot
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from tests.bench.bench_recommend import made_up_items
from tests.bench.client import Connection, get, load
from tests.bench.harness import Effort, Repetition, Row, latency, medians, rate, run_async
from tests.bench.models import basis_of, save_models
from tests.bench.pacing import paced
from tests.bench.payloads import visitor
from tests.bench.servers import http_process, scratch, valkey

_CONNECTIONS = 32
_VISITORS = 100
_EVENTS = 50
_ANSWERS_A_ROUND = 250
_RATE = 800.0
"""Answers a second that a process must hold."""
_MAY_ADD_MS = 0.5
_MAY_TAKE_MS = 10.0
_ITEMS = 10_000


def measure(effort: Effort) -> list[Row]:
    """Rates, latencies and CPU."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        url = stack.enter_context(valkey(folder))
        items = min(_ITEMS, effort.count(_ITEMS))
        contents = InMemoryContentStore(made_up_items(items), "bench")
        signals = run_async(_publish(url, contents, folder))
        serve = stack.enter_context(
            http_process(
                folder, "SERVE_PORT", "serve_api", REDIS_URL=url, CONTENT_FOLDER=str(folder)
            )
        )
        constant = stack.enter_context(
            http_process(folder, "CONSTANT_PORT", "tests.bench.constant")
        )
        rows = run_async(_speed(serve, constant, effort))
        rows += run_async(_costs(serve, contents, signals, effort))
        route = f"GET /api/recommend, {items:,} items"
        return [msgspec.structs.replace(row, name=f"{route}{row.name}") for row in rows]


async def _publish(url: str, contents: InMemoryContentStore, folder: Path) -> Sequence[UserSignals]:
    """Put the catalogue and the visitors' models where the read API finds them."""
    client = connect(url)
    write_snapshot(contents.index, folder / "published")
    shelf = RedisSnapshotShelf(client, name=SHELF)
    await shelf.publish(contents.version, folder / "published", number=await shelf.number())
    models = RedisUserModelStore(client, ttl_s=3600)
    users = [visitor(number) for number in range(_VISITORS)]
    signals = await save_models(users, _EVENTS, contents, models)
    await client.aclose()
    return signals


async def _speed(serve: int, constant: int, effort: Effort) -> list[Row]:
    requests, seconds = _requests(), effort.seconds
    runs: dict[str, Repetition] = {}
    for connections in (_CONNECTIONS, 1):
        for name, port in (("constant", constant), ("serve", serve)):
            await load(port, requests, connections=connections, seconds=seconds / 5)()
            runs[f"{name} {connections}"] = load(
                port, requests, connections=connections, seconds=seconds
            )
    runs["half"] = paced(
        serve, requests, a_second=_RATE / 2, connections=_CONNECTIONS, seconds=seconds
    )
    found = await medians(runs, effort.repetitions)
    busy, busy_ceiling = found[f"serve {_CONNECTIONS}"], found[f"constant {_CONNECTIONS}"]
    alone, alone_ceiling = found["serve 1"], found["constant 1"]
    return [
        rate(" | constant answer", busy.rate, busy_ceiling.rate, "requests/s"),
        rate(" | what it must hold", busy.rate, _RATE, "requests/s"),
        latency(", p50 | constant answer", alone.p50_ms, alone_ceiling.p50_ms),
        latency(", p99 | constant answer", alone.p99_ms, alone_ceiling.p99_ms),
        latency(", p99 at 400/s | what it may take", found["half"].p99_ms, _MAY_TAKE_MS),
    ]


async def _costs(
    serve: int, contents: InMemoryContentStore, signals: Sequence[UserSignals], effort: Effort
) -> list[Row]:
    """CPU of an answer, in turns; the medians of all rounds."""
    count = min(_ANSWERS_A_ROUND, effort.count(_ANSWERS_A_ROUND))
    with Connection(serve) as connection:
        rounds = {
            "library": await _library(contents, signals),
            "plain": _asked(serve, connection, _requests()),
            "explained": _asked(serve, connection, _requests(explain=1)),
        }
        taken: dict[str, list[float]] = {name: [] for name in rounds}
        for _ in range(2 * effort.repetitions):
            for name, round_of in rounds.items():
                settle()
                taken[name].append(await round_of(count))
    cpu_ms = {name: median(values) for name, values in taken.items()}
    added_ms = median(
        plain - library for plain, library in zip(taken["plain"], taken["library"], strict=True)
    )
    return [
        latency(", CPU | the library alone", cpu_ms["plain"], cpu_ms["library"]),
        latency(", CPU added | what it may be", added_ms, _MAY_ADD_MS),
        latency(", CPU explained | not explained", cpu_ms["explained"], cpu_ms["plain"]),
    ]


async def _library(
    contents: InMemoryContentStore, signals: Sequence[UserSignals]
) -> Callable[[int], Awaitable[float]]:
    """The library's answers in this process. Gives milliseconds of CPU an answer."""
    settings = SharedSettings()
    models = InMemoryUserModelStore(ttl_s=3600, clock_s=monotonic)
    await models.save_signals(signals)
    version = basis_of(settings).config_version
    recommender = Recommender(models, contents, settings.ranking, version)
    whose = cycle([one.user_id for one in signals])

    async def answers(count: int) -> float:
        started = thread_time()
        for _ in range(count):
            request = RecommendRequest(user_id=next(whose))
            await recommender.recommend(request, now_ms=clock_ms())
        return (thread_time() - started) * 1000 / count

    return answers


def _asked(
    port: int, connection: Connection, requests: Sequence[bytes]
) -> Callable[[int], Awaitable[float]]:
    """The same over HTTP, one after the other; the process itself says what it took."""
    following = cycle(requests)

    async def answers(count: int) -> float:
        before = _cpu_s(port)
        for _ in range(count):
            status, body = connection.ask(next(following))
            if status != 200:
                raise RuntimeError(f"{status}: {body[:200]!r}")
        return (_cpu_s(port) - before) * 1000 / count

    return answers


def _cpu_s(port: int) -> float:
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    [line] = [one for one in metrics.splitlines() if one.startswith("process_cpu_seconds_total ")]
    return float(line.rpartition(" ")[2])


def _requests(**more: int) -> list[bytes]:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return [get(f"/api/recommend?user_id={visitor(number)}{query}") for number in range(_VISITORS)]
