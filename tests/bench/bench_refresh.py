"""The refresher's work: models of visitors with 50 events, rebuilt in rounds of 20.

`UserModelUpdater` over the Redis adapters and the bundled catalogue. Ceilings:
the same rounds with Redis's part alone (the members read and left undecoded,
a JSON text made before written), and `build_user_signals` alone, no I/O.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle

from adapters.contents import open_content_store
from adapters.process import clock_ms
from adapters.redis.connection import Client, connect
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.keys import events_key, model_key, revision_key
from adapters.redis.scripts import Call, run_script
from adapters.redis.user_models import _SAVE, RedisUserModelStore
from core.content import Content
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.modelling.build import ModelBasis, build_user_signals
from core.normalizing.mapping import EventMapper
from core.ports import EventWindow
from core.signals import UserSignals, encode_signals
from core.updater import UserModelUpdater
from ingest_worker.process_settings import IngestProcess, ingest_settings
from tests.bench.harness import Effort, Row, medians, rate, repeated, run_async
from tests.bench.models import basis_of
from tests.bench.payloads import history, item_ids, visitor
from tests.bench.servers import scratch, valkey

_ROUND = 20
_EVENTS = 50
_VISITORS = 200
_TTL_MS = 7 * 86_400_000


def measure(effort: Effort) -> list[Row]:
    """Refreshes a second, against both ceilings."""
    with scratch() as folder, valkey(folder) as url:
        return run_async(_measure(ingest_settings({"REDIS_URL": url}), effort))


async def _measure(settings: IngestProcess, effort: Effort) -> list[Row]:
    client = connect(settings.redis_url)
    basis = basis_of(settings)
    contents = open_content_store(settings)
    buffer = RedisEventBuffer(
        client,
        window_ms=basis.config.window_ms,
        max_events=settings.max_events_per_user,
        model_ttl_s=settings.model_ttl_s,
    )
    identity = settings.identity
    people = People(RedisIdentityGraph(client, identity), identity)
    source = PersonEvents(buffer, people, identity, max_events=settings.max_events_per_user)
    updater = UserModelUpdater(
        source, RedisUserModelStore(client, ttl_s=settings.model_ttl_s), contents, basis
    )
    users = [visitor(number) for number in range(_VISITORS)]
    items = await item_ids(contents)
    for user in users:
        events = history(user, _EVENTS, items, EventMapper(basis.plan))
        await buffer.append(events, now_ms=clock_ms())
    rounds = cycle([users[start : start + _ROUND] for start in range(0, _VISITORS, _ROUND)])
    windows = await buffer.fetch_events(next(rounds), since_ms=0)
    refreshed = await updater.refresh(*next(rounds), now_ms=clock_ms())
    models = [one.signals for one in refreshed if one.signals is not None and one.saved]
    if len(models) < _ROUND or any(one.window.events != _EVENTS for one in models):
        raise RuntimeError(f"models of {_EVENTS} events were to be saved: {refreshed}")

    async def refresh() -> None:
        await updater.refresh(*next(rounds), now_ms=clock_ms())

    work = {
        "redis": _redis_alone(client, lambda: next(rounds), models[0]),
        "build": _build_alone(windows, await contents.get(items), basis),
        "refresh": refresh,
    }
    runs = {name: repeated(one, effort.seconds, operations=_ROUND) for name, one in work.items()}
    found = await medians(runs, effort.repetitions)
    await client.aclose()
    value = found["refresh"].rate
    return [
        rate("refresh, 50 events | Redis alone", value, found["redis"].rate, "users/s"),
        rate("refresh, 50 events | build alone", value, found["build"].rate, "users/s"),
    ]


def _redis_alone(
    client: Client, users: Callable[[], Sequence[str]], model: UserSignals
) -> Callable[[], Awaitable[None]]:
    """Read the members and write a text as the adapters do, without decoding or building."""
    text = encode_signals(model)

    async def work() -> None:
        members = users()
        async with client.pipeline(transaction=False) as pipe:
            for user in members:
                pipe.get(revision_key(user))
                pipe.zrange(events_key(user), 0, "+inf", byscore=True, withscores=True)
            await pipe.execute()
        saved = (model.revision, clock_ms(), text, _TTL_MS)
        calls = [Call((model_key(user),), saved) for user in members]
        await run_script(client, _SAVE, calls)

    return work


def _build_alone(
    windows: Sequence[EventWindow], known: Mapping[str, Content], basis: ModelBasis
) -> Callable[[], Awaitable[None]]:
    """Build the models of one round from events in memory."""

    async def work() -> None:
        for window in windows:
            build_user_signals(window.user_id, window.events, known, basis, now_ms=clock_ms())

    return work
