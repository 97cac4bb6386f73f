"""Items that were shown and never opened: soft negatives, and what makes one tire."""

from collections.abc import Collection, Iterable

import msgspec

from core.config import EngagementConfig, SignalsConfig
from core.events import InteractionEvent
from core.modelling.decay import decay


class Unopened(msgspec.Struct, frozen=True, kw_only=True):
    """One item that was shown and not opened. `count` is the decayed number of showings."""

    content_id: str
    count: float
    strength: float
    last_ms: int


def unopened_impressions(
    events: Iterable[InteractionEvent],
    opened: Collection[str],
    now_ms: int,
    engagement: EngagementConfig,
    signals: SignalsConfig,
) -> tuple[Unopened, ...]:
    """The latest unopened items, newest first, each with a strength below zero."""
    counts: dict[str, float] = {}
    latest: dict[str, int] = {}
    for event in events:
        shown = [item for item in event.impressions if item not in opened]
        faded = decay(event.ts_ms, now_ms, engagement.half_life_days) if shown else 0.0
        for item in shown:
            counts[item] = counts.get(item, 0.0) + faded
            latest[item] = max(latest.get(item, 0), event.ts_ms)
    newest = sorted(latest, key=lambda item: (-latest[item], item))[: signals.top_impressions]
    return tuple(
        Unopened(
            content_id=item,
            count=counts[item],
            strength=-signals.soft_negative
            * decay(latest[item], now_ms, engagement.half_life_days),
            last_ms=latest[item],
        )
        for item in newest
    )
