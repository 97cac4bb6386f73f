"""What a visitor's events say, before it becomes a model: the one reading of them.

The model, its explanation and its history are all made from this, so that none
of them can say anything else than the others.
"""

from collections.abc import Mapping, Sequence

import msgspec

from core.config import ModelConfig
from core.content import Content
from core.events import InteractionEvent, encode_member, event_order
from core.modelling.decay import decay
from core.modelling.engagement import Engagement, engage, gather
from core.modelling.impressions import Unopened, unopened_impressions
from core.modelling.persona import Persona, build_persona
from core.modelling.visits import Visit, pair_views
from core.plan import EventPlan

Members = Mapping[bytes, InteractionEvent]
"""Distinct events by their member, in `event_order`."""


class Observations(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was observed of one visitor, as it weighs at `now_ms`.

    Shape: `engaged` from content id to the engagement before decay; `strengths`
        the same decayed, of which `likes` and `dislikes` are parts; `averse` what
        the aversion to tags comes from; `recent` the ids, latest first.
    """

    members: Members
    visits: Sequence[Visit]
    engaged: Mapping[str, Engagement]
    strengths: Mapping[str, float]
    likes: Mapping[str, float]
    dislikes: Mapping[str, float]
    averse: Mapping[str, float]
    unopened: tuple[Unopened, ...]
    recent: Sequence[str]
    persona: Persona


def observe(
    members: Members,
    contents: Mapping[str, Content],
    plan: EventPlan,
    config: ModelConfig,
    *,
    now_ms: int,
) -> Observations:
    """Read the events. `contents` holds what the catalogue knows of their items."""
    ordered = list(members.values())
    visits = pair_views(ordered, config.engagement)
    engaged = {
        item: engage(evidence, contents.get(item), config.engagement)
        for item, evidence in gather(visits, ordered).items()
    }
    strengths = _decayed(engaged, now_ms, config)
    dislikes = {item: s for item, s in strengths.items() if _disliked(engaged[item], config)}
    clicked = {event.content_id for event in ordered if event.kind == "search"}
    opened = {*engaged, *(item for item in clicked if item)}
    unopened = unopened_impressions(ordered, opened, now_ms, config.engagement, config.signals)
    averse = dislikes
    if config.signals.aversion == "classic":
        averse = dislikes | {one.content_id: one.strength for one in unopened}
    return Observations(
        members=members,
        visits=visits,
        engaged=engaged,
        strengths=strengths,
        likes={item: s for item, s in strengths.items() if _liked(engaged[item], config)},
        dislikes=dislikes,
        averse=averse,
        unopened=unopened,
        recent=sorted(engaged, key=lambda item: (-engaged[item].evidence.last_ms, item)),
        persona=build_persona(ordered, plan),
    )


def distinct(events: Sequence[InteractionEvent], *, since_ms: int) -> Members:
    """The events by their member, in an order that arrival has no part in.

    Of an event that came twice with two clock corrections the earlier counts,
    as in the buffer.
    """
    members: dict[bytes, InteractionEvent] = {}
    for event in events:
        if event.ts_ms >= since_ms:
            member = encode_member(event)
            known = members.get(member)
            if known is None or event.ts_ms < known.ts_ms:
                members[member] = event
    ordered = sorted((event_order(event), member) for member, event in members.items())
    return {member: members[member] for _, member in ordered}


def mentioned_items(events: Sequence[InteractionEvent]) -> set[str]:
    """The items whose content `observe` needs."""
    items = {event.content_id for event in events if event.content_id is not None}
    return items.union(*(event.impressions for event in events))


def _decayed(
    engaged: Mapping[str, Engagement], now_ms: int, config: ModelConfig
) -> dict[str, float]:
    half_life = config.engagement.half_life_days
    return {
        item: one.strength * decay(one.evidence.last_ms, now_ms, half_life)
        for item, one in engaged.items()
    }


def _liked(one: Engagement, config: ModelConfig) -> bool:
    return one.strength >= config.engagement.positive_from


def _disliked(one: Engagement, config: ModelConfig) -> bool:
    return one.strength <= config.engagement.negative_to
