"""`Served`: an answer as it leaves, and the entry that is made of it beside the answering."""

import hashlib
from collections.abc import Callable

import msgspec
import numpy as np

from core.answer_log.entry import AnswerEntry, DrawnFrom, EventEntry, ShownItem
from core.collective.collective import Collective
from core.events import InteractionEvent
from core.policies.policy import Policy
from core.ports import ContentStore
from core.ranking.context import AnswerContext
from core.ranking.fusion import Fused
from core.ranking.listing import Listing
from core.ranking.slate import Place
from core.recommendation import Recommendation, RecommendRequest
from core.signals import UserSignals, encode_signals

Pseudonym = Callable[[str], str]
"""From an id to the keyed hash that stands for it."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with what it was made from; nothing is copied.

    `request` is settled: with time and seed. `person` is who it is for, empty for nobody.
    """

    request: RecommendRequest
    person: str
    signals: UserSignals | None
    contents: ContentStore
    collective: Collective | None
    listing: Listing
    context: AnswerContext
    policy: Policy
    answer: Recommendation


Record = Callable[[Served], None]
"""Is told what was served; it must not take its time."""


def entry_of(
    served: Served, endpoint: str, *, served_at_ms: int, pseudonym: Pseudonym
) -> AnswerEntry:
    """What the log keeps of it."""
    context, signals, answer = served.context, served.signals, served.answer
    places = served.listing.slate.places
    names = tuple(dict.fromkeys(name for one in places for name in one.scored.fused.values))
    model = b"" if signals is None else encode_signals(msgspec.structs.replace(signals, user_id=""))
    return AnswerEntry(
        request_id=context.request_id,
        endpoint=endpoint,
        served_at_ms=served_at_ms,
        at_ms=context.now_ms,
        user=pseudonym(served.person) if served.person else "",
        asked=pseudonym(served.request.user_id) if served.request.user_id else "",
        experiment=context.experiment,
        variant=context.variant,
        strategy=answer.strategy,
        degraded=context.degraded,
        model_revision=None if signals is None else signals.revision,
        catalogue_version=served.contents.version,
        collective_version=context.collective_version,
        config_version=context.config_version,
        ranker_version=context.ranker_version,
        features=names,
        slate=tuple(_shown(one, names) for one in places),
        drawn_from=_drawn_from(served, names),
        request=_encoder.encode(msgspec.structs.replace(served.request, user_id="")),
        model=model,
        digest=answer_digest(answer),
    )


def event_entry(
    event: InteractionEvent, pseudonym: Pseudonym, *, recorded_ms: int
) -> EventEntry | None:
    """What the log keeps of an event, None of one that is not about items."""
    if event.content_id is None and not event.impressions:
        return None
    return EventEntry(
        message_id=event.message_id,
        user=pseudonym(event.user_id),
        ts_ms=event.ts_ms,
        recorded_ms=recorded_ms,
        kind=event.kind,
        content_id=event.content_id,
        request_id=event.request_id,
        session=None if event.session_id is None else pseudonym(event.session_id),
        reason=event.reason,
        dwell_seconds=event.dwell_seconds,
        rating=event.rating,
        strength=event.strength,
        impressions=event.impressions,
    )


def answer_digest(answer: Recommendation) -> str:
    """Of every byte of an answer but who it is for. Shape: 32 hex digits."""
    body = _encoder.encode(msgspec.structs.replace(answer, user_id=""))
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _shown(place: Place, names: tuple[str, ...]) -> ShownItem:
    fused, index = place.scored.fused, place.index
    values = fused.values
    return ShownItem(
        content_id=place.content_id,
        score=fused.total.item(index),
        kind=place.scored.kind,
        generated_by=place.scored.generated_by(index),
        features=tuple(values[one].item(index) if one in values else 0.0 for one in names),
    )


def _drawn_from(served: Served, names: tuple[str, ...]) -> DrawnFrom | None:
    exploration, ranked = served.context.exploration, served.listing.ranked
    if exploration is None or ranked is None:
        return None
    return DrawnFrom(
        kind=exploration.kind,
        seed=exploration.seed,
        temperature=exploration.temperature,
        candidates=tuple(ranked.scored.items.ids),
        scores=tuple(ranked.scored.fused.total.tolist()),
        values=_columns(ranked.scored.fused, names, len(ranked.scored.items)),
    )


def _columns(fused: Fused, names: tuple[str, ...], count: int) -> bytes:
    values = [fused.values.get(one, np.zeros(count)) for one in names]
    return np.array(values, dtype="<f4").reshape(len(names), count).tobytes()


_encoder = msgspec.json.Encoder()
