"""Short ways to make events, items and models for tests."""

import json
from typing import Any

from prometheus_client import CollectorRegistry

from adapters.embedding.hashed import HashedEmbedder
from adapters.memory.content_store import InMemoryContentStore
from adapters.plans.toml import read_plan
from core.config import ModelConfig
from core.content import Content
from core.events import InteractionEvent
from core.geo import GeoPoint
from core.modelling.build import ModelBasis, build_user_signals
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.normalizing.reasons import NormalizedBatch
from core.queues import RawBatch
from core.signals import UserSignals
from core.vectors import to_grid
from ingest_worker.metrics import StreamGauges, WorkerMetrics

NOW_MS = 1_764_000_000_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
WINDOW_MS = 30 * DAY_MS

PLAN = read_plan("in_memorial")
MAPPER = EventMapper(PLAN)
EMBEDDER = HashedEmbedder()
# 84 words read in 20 seconds at the default 4.2 words a second.
TEXT_OF_20_SECONDS = " ".join(["remembrance"] * 84)


def accepted(*user_ids: str, at_ms: int = NOW_MS) -> dict[str, int]:
    """Users with a new event each, as the due queue is told of them."""
    return dict.fromkeys(user_ids, at_ms)


def worker_metrics() -> WorkerMetrics:
    """Metrics that nobody scrapes."""
    registry = CollectorRegistry()
    return WorkerMetrics(registry, StreamGauges(registry))


def raw_batch(entry_id: str, body: bytes = b"[]", at_ms: int = NOW_MS) -> RawBatch:
    """A batch that was stored when it was received."""
    return RawBatch(entry_id=entry_id, body=body, stored_ms=at_ms, received_ms=at_ms)


def normalize(
    *events: Any, arrived_ms: int = NOW_MS, call_type: str | None = None
) -> NormalizedBatch:
    """What comes of a batch of RudderStack events, by default one that arrives now."""
    body = json.dumps({"batch": list(events)}).encode()
    return normalize_events(
        body, MAPPER, arrived_ms=arrived_ms, window_ms=WINDOW_MS, call_type=call_type
    )


def links(found: NormalizedBatch) -> set[tuple[str, str]]:
    """Which ids a batch says are which other's."""
    return {(one.of, one.person) for one in found.claims if one.of != one.person}


_THEMES = {
    "hiding": "A family lives behind a bookcase and waits for the end of the occupation",
    "resistance": "Students print leaflets at night and scatter them in the university",
    "music": "An orchestra rehearses an opera with prisoners in the ghetto barracks",
    "bombing": "Aircraft set the old town on fire and the church tower stays as a ruin",
    "rescue": "Fishermen row refugees over the sound to a safe harbour in the dark",
}


def content(content_id: str, **more: Any) -> Content:
    """An item; what is not given is plain."""
    text = more.pop("text", TEXT_OF_20_SECONDS)
    words = more.pop("embed", f"{content_id} {text}")
    tags = more.pop("tags", ("theme_what:Remembrance",))
    weights = tags if isinstance(tags, dict) else dict.fromkeys(tags, 1.0)
    vector = to_grid(EMBEDDER.embed([words])[0])
    return Content(
        id=content_id,
        title=more.pop("title", content_id.title()),
        text=text,
        tags=weights,
        vector=vector,
        **more,
    )


def themed_catalogue(per_theme: int = 6) -> InMemoryContentStore:
    """Items `hiding-0`... of five themes, each theme along its own street."""
    return InMemoryContentStore(
        content(
            f"{theme}-{number}",
            tags=(f"theme_what:{theme.title()}", f"person_who.group:Group {number % 3}"),
            embed=f"{text} {number}",
            position=GeoPoint(52.0 + row, 13.0 + number / 1000),
        )
        for row, (theme, text) in enumerate(_THEMES.items())
        for number in range(per_theme)
    )


def event(kind: Any, content_id: str | None = None, **more: Any) -> InteractionEvent:
    """An event of visitor `u1`, one minute ago unless `ts_ms` says otherwise."""
    more.setdefault("ts_ms", NOW_MS - MINUTE_MS)
    more.setdefault("message_id", f"{kind}-{content_id}-{more['ts_ms']}")
    more.setdefault("user_id", "u1")
    return InteractionEvent(kind=kind, content_id=content_id, **more)


def read(content_id: str, seconds: float, reason: Any = "next_button", **more: Any) -> Any:
    """The end of a view that lasted so long."""
    return event("view_ended", content_id, dwell_seconds=seconds, reason=reason, **more)


def signals_of(
    *events: InteractionEvent,
    contents: tuple[Content, ...] = (),
    config: ModelConfig | None = None,
    now_ms: int = NOW_MS,
) -> UserSignals:
    """The model that these events give."""
    basis = ModelBasis.of(PLAN, config or ModelConfig())
    known = {one.id: one for one in contents}
    return build_user_signals("u1", events, known, basis, now_ms=now_ms)
