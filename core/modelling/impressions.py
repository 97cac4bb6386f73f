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
    """The latest unopened items, newest first, each with a strength below zero.

    `events` must be in `event_order`: the last showing of an item is its latest.
    """
    counts: dict[str, float] = {}
    latest: dict[str, tuple[int, float]] = {}
    for event in events:
        if event.impressions:
            faded = decay(event.ts_ms, now_ms, engagement.half_life_days)
            last = (-event.ts_ms, faded)
            for item in event.impressions:
                if item not in opened:
                    counts[item] = counts.get(item, 0.0) + faded
                    latest[item] = last
    # Newest first, and by id where the times are equal: the second sort keeps the first.
    newest = sorted(sorted(latest), key=latest.__getitem__)[: signals.top_impressions]
    return tuple(
        Unopened(
            content_id=item,
            count=counts[item],
            strength=-signals.soft_negative * latest[item][1],
            last_ms=-latest[item][0],
        )
        for item in newest
    )
