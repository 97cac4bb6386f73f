"""Both services in this process, over stores in its memory."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from adapters.contents import open_content_store
from adapters.http_security import SecuredApp
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.stream import InMemoryRawBatchStream
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from adapters.snapshot.live import LiveContentStore
from core.answer_log.replaying import ReplayedAnswer, ReplaySources, replay_answer
from core.answer_log.served import Served, entry_of
from core.config import RankingConfig
from core.erasing.export import Exporter
from core.erasing.places import Places
from core.errors import EngineError, RetryableError
from core.http.keys import Key
from core.policies.policy import Policy
from core.ports import ContentStore, UserModelStore
from core.queues import RawBatchStream, ShardState
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from ingest_worker.backpressure import Backpressure
from ingest_worker.composition import webhook_app
from ingest_worker.doors import WebhookDoors
from ingest_worker.erasing import ErasingDoor
from ingest_worker.metrics import StreamGauges, WebhookMetrics
from ingest_worker.settings import IngestSettings
from ingest_worker.webhook import Webhook
from serve_api.composition import serve_app
from serve_api.endpoints.replay import Replays
from serve_api.settings import ServeSettings
from serve_api.sources import Sources
from tests.build import WINDOW_MS, read, signals_of
from tests.gates import serve_gate_of, webhook_gate_of
from tests.places import eraser_of, places

KEY = "a-key-that-is-long-enough"
OPERATOR = Key.of(KEY, "operator", ["ingest", "operate"])
VISITORS = ("ada", "0", "false")
"""Those whom examples name, and whom generated requests hit by themselves."""


CATALOGUE = open_content_store(SharedSettings())
_READ = asyncio.run(CATALOGUE.get(["brundibar-terezin"]))["brundibar-terezin"]


def _known_visitors() -> InMemoryUserModelStore:
    models = InMemoryUserModelStore(ttl_s=3600, clock_s=lambda: 0.0)
    signals = signals_of(read("brundibar-terezin", 90), contents=(_READ,))
    saved = [msgspec.structs.replace(signals, user_id=user_id) for user_id in VISITORS]
    assert all(asyncio.run(models.save_signals(saved)))
    return models


class OneLoggedAnswer:
    """A log with the answer that the examples name."""

    def __init__(self) -> None:
        """It is made anew, and the same."""
        self._made = asyncio.run(self._make())

    async def replay(self, request_id: str) -> ReplayedAnswer | None:
        if request_id != LOGGED:
            return None
        return msgspec.structs.replace(self._made, request_id=request_id)

    async def _make(self) -> ReplayedAnswer:
        config, served = RankingConfig(), list[Served]()
        recommender = Recommender(KNOWN_VISITORS, CATALOGUE, config, "v")
        request = RecommendRequest(user_id="ada")
        await recommender.recommend(request, now_ms=clock_ms(), record=served.append)
        [one] = served
        entry = entry_of(one, "recommend", served_at_ms=clock_ms(), pseudonym=lambda _: "hash")
        static = Policy(config=config, config_version="v")
        sources = ReplaySources(contents=CATALOGUE, collective=None, policy=static)
        return await replay_answer(entry, sources)


LOGGED = "019ad8f0a1b2c3d4e5f60718293a4b5c"
# Nothing of the read API writes into them.
EVENTS = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=100)
KNOWN_VISITORS = _known_visitors()
REPLAYS = OneLoggedAnswer()


def read_api(
    *,
    models: UserModelStore | None = None,
    contents: ContentStore | None = None,
    more_keys: Sequence[Key] = (),
    failures: int = 60,
    replays: Replays | None = None,
    **settings: Any,
) -> SecuredApp:
    """The read API over the bundled catalogue, with the models of a few visitors."""
    serve = ServeSettings(**settings)
    return serve_app(
        SharedSettings(),
        serve,
        serve_gate_of(serve, more_keys, failures),
        Sources(
            models=models or KNOWN_VISITORS,
            patient_models=models or KNOWN_VISITORS,
            contents=contents or CATALOGUE,
            events=EVENTS,
            views=lambda: None,
            replays=replays or REPLAYS,
        ),
        CollectorRegistry(),
    )


class ReplaysFailing:
    """A log that answers with an error."""

    def __init__(self, error: EngineError) -> None:
        """Raised whatever is asked."""
        self._error = error

    async def replay(self, request_id: str) -> ReplayedAnswer | None:
        del request_id
        raise self._error


class ModelsAway:
    """A store that does not answer."""

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        raise RetryableError(f"away, with {len(models)} models")

    async def get_signals(self, user_id: str) -> UserSignals | None:
        raise RetryableError(f"away, asked for {user_id}")

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        raise RetryableError(f"away, told to drop {len(revisions)} models")


def read_api_without_stores(**settings: Any) -> SecuredApp:
    """The read API with nothing to answer from."""
    away = ReplaysFailing(RetryableError("the log is away"))
    return read_api(models=ModelsAway(), contents=LiveContentStore(), replays=away, **settings)


class BufferAway(InMemoryEventBuffer):
    """A buffer that does not answer."""

    def __init__(self) -> None:
        """It holds nothing either."""
        super().__init__(window_ms=1, max_events=1)

    async def fetch_events(self, user_ids: Sequence[str], *, since_ms: int) -> Any:
        raise RetryableError(f"away, asked for {len(user_ids)} since {since_ms}")

    async def forget(self, user_ids: Sequence[str], *, until_ms: int | None = None) -> int:
        raise RetryableError(f"away, asked to forget {len(user_ids)} until {until_ms}")


class StreamAway:
    """A stream that stores nothing."""

    async def enqueue(
        self, body: bytes, *, call_type: str | None, received_ms: int | None = None
    ) -> None:
        raise RetryableError(f"away, with {len(body)} bytes of {call_type} {received_ms}")

    async def shards(self) -> Sequence[ShardState]:
        raise RetryableError("away")

    async def ping(self) -> None:
        raise RetryableError("away")


def webhook(
    stream: RawBatchStream | None = None,
    held: Places | None = None,
    *,
    more_keys: Sequence[Key] = (),
    failures: int = 60,
    **settings: Any,
) -> SecuredApp:
    """The webhook over a stream that nobody reads, and what is held of persons."""
    ingest, registry = IngestSettings(**settings), CollectorRegistry()
    gauges = StreamGauges(registry)
    if stream is None:
        stream = InMemoryRawBatchStream(max_entries=ingest.memory_max_entries, clock_ms=clock_ms)
    backpressure = Backpressure(stream, ingest.high_water, gauges, clock_ms)
    gate = webhook_gate_of(ingest, more_keys, failures)
    doors = WebhookDoors(gate, ingest.api_key_header)
    door = Webhook(stream, backpressure, ingest, doors, WebhookMetrics(registry, gauges))
    if held is None:
        known = {"batches": stream} if isinstance(stream, InMemoryRawBatchStream) else {}
        held = places(**known)
    eraser = eraser_of(held)
    erasing = ErasingDoor(eraser, Exporter(held, eraser), doors, ingest, clock_ms)
    return webhook_app(door, erasing, ingest, gate.policy, registry)
