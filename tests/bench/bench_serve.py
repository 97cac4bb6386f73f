"""`GET /api/recommend` of the real read API over a real Valkey.

Requests a second at 32 connections; p50 and p99 at one connection, where no
request waits for another. Ceiling: the same server with a constant answer
(see `constant`), asked by the same client in turns.
"""

from contextlib import ExitStack

from adapters.contents import open_content_store
from adapters.redis.connection import connect
from adapters.redis.user_models import RedisUserModelStore
from adapters.settings import SharedSettings
from tests.bench.client import get, load
from tests.bench.harness import Effort, Repetition, Row, latency, medians, rate, run_async
from tests.bench.models import save_models
from tests.bench.payloads import visitor
from tests.bench.servers import http_process, scratch, valkey

_CONNECTIONS = 32
_VISITORS = 100
_EVENTS = 50


def measure(effort: Effort) -> list[Row]:
    """Rate and latency."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        url = stack.enter_context(valkey(folder))
        serve = stack.enter_context(http_process(folder, "SERVE_PORT", "serve_api", REDIS_URL=url))
        constant = stack.enter_context(
            http_process(folder, "CONSTANT_PORT", "tests.bench.constant")
        )
        run_async(_save_models(url))
        return run_async(_measure(serve, constant, effort))


async def _save_models(url: str) -> None:
    client = connect(url)
    models = RedisUserModelStore(client, ttl_s=3600)
    users = [visitor(number) for number in range(_VISITORS)]
    await save_models(users, _EVENTS, open_content_store(SharedSettings()), models)
    await client.aclose()


async def _measure(serve: int, constant: int, effort: Effort) -> list[Row]:
    requests = [get(f"/api/recommend?user_id={visitor(number)}") for number in range(_VISITORS)]
    runs: dict[str, Repetition] = {}
    for connections in (_CONNECTIONS, 1):
        for name, port in (("constant", constant), ("serve", serve)):
            warm = load(port, requests, connections=connections, seconds=effort.seconds / 5)
            await warm()
            runs[f"{name} {connections}"] = load(
                port, requests, connections=connections, seconds=effort.seconds
            )
    found = await medians(runs, effort.repetitions)
    busy, busy_ceiling = found[f"serve {_CONNECTIONS}"], found[f"constant {_CONNECTIONS}"]
    alone, alone_ceiling = found["serve 1"], found["constant 1"]
    name = "GET /api/recommend"
    return [
        rate(f"{name} | constant answer", busy.rate, busy_ceiling.rate, "requests/s"),
        latency(f"{name}, p50 | constant answer", alone.p50_ms, alone_ceiling.p50_ms),
        latency(f"{name}, p99 | constant answer", alone.p99_ms, alone_ceiling.p99_ms),
    ]
