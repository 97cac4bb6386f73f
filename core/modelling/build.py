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
from core.events import InteractionEvent
from core.modelling.interests import TagTrail, tag_weights
from core.modelling.observations import (
    Members,
    Observations,
    distinct,
    observe,
)
from core.modelling.rounding import to_ten_thousandths
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

    def observe(
        self, members: Members, contents: Mapping[str, Content], *, now_ms: int
    ) -> Observations:
        """What the events say at `now_ms` by this plan and these settings."""
        return observe(members, contents, self.plan, self.config, now_ms=now_ms)


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
    members = distinct(events, since_ms=now_ms - basis.config.window_ms)
    model = model_of(
        user_id,
        basis.observe(members, contents, now_ms=now_ms),
        contents,
        basis.config,
        window=window_of(members),
    )
    return msgspec.structs.replace(
        model,
        revision=revision,
        built_at_ms=now_ms,
        vector_space=vector_space,
        config_version=basis.config_version,
        catalogue_version=catalogue_version,
    )


def model_of(
    user_id: str,
    seen: Observations,
    contents: Mapping[str, Content],
    config: ModelConfig,
    *,
    window: SignalsWindow,
    interests: TagTrail | None = None,
    aversions: TagTrail | None = None,
) -> UserSignals:
    """The model that observations make, not yet labelled with what it was built by.

    Where its tags come from is written into the trails, if any are given.
    """
    return UserSignals(
        user_id=user_id,
        positives=stored_strengths(seen.likes),
        negatives=stored_strengths(seen.dislikes),
        unopened={
            one.content_id: (to_ten_thousandths(one.count), to_ten_thousandths(one.strength))
            for one in seen.unopened
        },
        viewed={item: seen.engaged[item].evidence.last_ms for item in seen.recent},
        tag_affinity=tag_weights(
            seen.likes, contents, seen.persona.seeds, config.signals, interests
        ),
        tag_aversion=tag_weights(seen.averse, contents, {}, config.signals, aversions),
        taste_vector=taste_of(seen.likes, contents),
        recency_vector=recency_of(seen.recent, contents),
        behavior=_behavior(seen),
        demographics=seen.persona.demographics,
        window=window,
    )


def stored_strengths(strengths: Mapping[str, float]) -> dict[str, float]:
    """As a model holds them: the strongest first, to four digits."""
    ranked = sorted(strengths, key=lambda item: (-abs(strengths[item]), item))
    return {item: to_ten_thousandths(strengths[item]) for item in ranked}


def taste_of(likes: Mapping[str, float], contents: Mapping[str, Content]) -> str:
    """Where the liked items lie, the stronger ones weighing more; empty where none is known."""
    known = sorted(item for item in likes if item in contents)
    if not known:
        return ""
    matrix = np.array([contents[item].vector for item in known])
    return pack(centroid(matrix, [likes[item] for item in known]))


def recency_of(recent: Sequence[str], contents: Mapping[str, Content]) -> str:
    """Where the latest of the items lies that the catalogue knows."""
    last = next((item for item in recent if item in contents), None)
    return "" if last is None else pack(centroid(contents[last].vector[None, :], [1.0]))


def window_of(members: Members) -> SignalsWindow:
    """Which events these are."""
    if not members:
        return SignalsWindow()
    times = [event.ts_ms for event in members.values()]
    lines = [b"%d %b\n" % (ts_ms, member) for member, ts_ms in zip(members, times, strict=True)]
    digest = hashlib.blake2b(b"".join(lines), digest_size=16)
    return SignalsWindow(
        events=len(members), first_ms=times[0], last_ms=times[-1], digest=digest.hexdigest()
    )


def _behavior(seen: Observations) -> Behavior:
    kinds = [event.kind for event in seen.members.values()]
    engaged = seen.engaged.values()
    ratios = [one.dwell_ratio for one in engaged if one.dwell_ratio is not None]
    ended = [visit.reason for visit in seen.visits if visit.reason is not None]
    viewed = [one for one in engaged if one.evidence.visits]
    return Behavior(
        views=len(seen.visits),
        items=len(seen.engaged),
        searches=kinds.count("search"),
        surveys=kinds.count("survey"),
        interactions=kinds.count("interaction"),
        impressions=len(seen.unopened),
        average_dwell_ratio=_mean(ratios),
        completion_rate=_mean([float(reason in ("next_button", "link")) for reason in ended]),
        revisit_rate=_mean([float(one.evidence.visits > 1) for one in viewed]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return to_ten_thousandths(sum(values) / len(values)) if values else None
