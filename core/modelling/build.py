"""`build_user_signals`: a visitor's model as a pure function of their events.

The order in which events arrived, and how often, changes nothing: they are
sorted by what they say of themselves, and the buffer holds each once.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from core.config import ModelConfig, fingerprint
from core.content import Content
from core.events import InteractionEvent, encode_member, event_order
from core.modelling.decay import decay
from core.modelling.engagement import Engagement, engage, gather
from core.modelling.impressions import Unopened, unopened_impressions
from core.modelling.interests import tag_weights
from core.modelling.persona import build_persona
from core.modelling.rounding import to_ten_thousandths
from core.modelling.visits import Visit, pair_views
from core.plan import EventPlan
from core.signals import Behavior, SignalsWindow, UserSignals
from core.vectors import centroid, pack


class ModelBasis(msgspec.Struct, frozen=True, kw_only=True):
    """What every model is built by: the event plan, the settings and their version."""

    plan: EventPlan
    config: ModelConfig
    config_version: str

    @classmethod
    def of(cls, plan: EventPlan, config: ModelConfig) -> "ModelBasis":
        """A basis whose version changes with any setting or line of the plan."""
        return cls(plan=plan, config=config, config_version=fingerprint(config, plan))


def build_user_signals(
    user_id: str,
    events: Sequence[InteractionEvent],
    contents: Mapping[str, Content],
    basis: ModelBasis,
    *,
    now_ms: int,
    revision: int = 0,
    catalogue_version: str = "",
    vector_space: str = "",
) -> UserSignals:
    """Build the model of one visitor as it is at `now_ms`.

    `contents` holds what the catalogue knows of the items in the events
    (`mentioned_items`). Events older than the window do not count.
    """
    config = basis.config
    members = _distinct(events, since_ms=now_ms - config.window_ms)
    ordered = list(members.values())
    visits = pair_views(ordered, config.engagement)
    engaged = _engage_all(visits, ordered, contents, config)
    strengths = _decayed(engaged, now_ms, config)
    likes = {item: s for item, s in strengths.items() if _liked(engaged[item], config)}
    dislikes = {item: s for item, s in strengths.items() if _disliked(engaged[item], config)}
    clicked = {event.content_id for event in ordered if event.kind == "search"}
    opened = {*engaged, *(item for item in clicked if item)}
    unopened = unopened_impressions(ordered, opened, now_ms, config.engagement, config.signals)
    averse = dislikes
    if config.signals.aversion == "classic":
        averse = dislikes | {one.content_id: one.strength for one in unopened}
    persona = build_persona(ordered, basis.plan)
    recent = sorted(engaged, key=lambda item: (-engaged[item].evidence.last_ms, item))
    return UserSignals(
        revision=revision,
        user_id=user_id,
        built_at_ms=now_ms,
        positives=_strongest_first(likes),
        negatives=_strongest_first(dislikes),
        unopened={
            one.content_id: (to_ten_thousandths(one.count), to_ten_thousandths(one.strength))
            for one in unopened
        },
        viewed={item: engaged[item].evidence.last_ms for item in recent},
        tag_affinity=tag_weights(likes, contents, persona.seeds, config.signals),
        tag_aversion=tag_weights(averse, contents, {}, config.signals),
        taste_vector=_taste(likes, contents),
        recency_vector=_recency(recent, contents),
        vector_space=vector_space,
        behavior=_behavior(ordered, visits, engaged, unopened),
        demographics=persona.demographics,
        window=_window(members),
        config_version=basis.config_version,
        catalogue_version=catalogue_version,
    )


def mentioned_items(events: Sequence[InteractionEvent]) -> set[str]:
    """The items whose content `build_user_signals` needs."""
    items = {event.content_id for event in events if event.content_id is not None}
    return items.union(*(event.impressions for event in events))


def _engage_all(
    visits: Sequence[Visit],
    events: Sequence[InteractionEvent],
    contents: Mapping[str, Content],
    config: ModelConfig,
) -> dict[str, Engagement]:
    return {
        item: engage(evidence, contents.get(item), config.engagement)
        for item, evidence in gather(visits, events).items()
    }


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


def _strongest_first(strengths: Mapping[str, float]) -> dict[str, float]:
    ranked = sorted(strengths, key=lambda item: (-abs(strengths[item]), item))
    return {item: to_ten_thousandths(strengths[item]) for item in ranked}


def _taste(likes: Mapping[str, float], contents: Mapping[str, Content]) -> str:
    known = sorted(item for item in likes if item in contents)
    if not known:
        return ""
    matrix = np.array([contents[item].vector for item in known])
    return pack(centroid(matrix, [likes[item] for item in known]))


def _recency(recent: Sequence[str], contents: Mapping[str, Content]) -> str:
    last = next((item for item in recent if item in contents), None)
    return "" if last is None else pack(centroid(contents[last].vector[None, :], [1.0]))


def _behavior(
    events: Sequence[InteractionEvent],
    visits: Sequence[Visit],
    engaged: Mapping[str, Engagement],
    unopened: Sequence[Unopened],
) -> Behavior:
    kinds = [event.kind for event in events]
    ratios = [one.dwell_ratio for one in engaged.values() if one.dwell_ratio is not None]
    ended = [visit.reason for visit in visits if visit.reason is not None]
    viewed = [one for one in engaged.values() if one.evidence.visits]
    return Behavior(
        views=len(visits),
        items=len(engaged),
        searches=kinds.count("search"),
        surveys=kinds.count("survey"),
        interactions=kinds.count("interaction"),
        impressions=len(unopened),
        average_dwell_ratio=_mean(ratios),
        completion_rate=_mean([float(reason in ("next_button", "link")) for reason in ended]),
        revisit_rate=_mean([float(one.evidence.visits > 1) for one in viewed]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return to_ten_thousandths(sum(values) / len(values)) if values else None


def _distinct(events: Sequence[InteractionEvent], since_ms: int) -> dict[bytes, InteractionEvent]:
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


def _window(members: Mapping[bytes, InteractionEvent]) -> SignalsWindow:
    if not members:
        return SignalsWindow()
    times = [event.ts_ms for event in members.values()]
    lines = [b"%d %b\n" % (ts_ms, member) for member, ts_ms in zip(members, times, strict=True)]
    digest = hashlib.blake2b(b"".join(lines), digest_size=16)
    return SignalsWindow(
        events=len(members), first_ms=times[0], last_ms=times[-1], digest=digest.hexdigest()
    )
