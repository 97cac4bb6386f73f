"""`explain`: a stored model and the events behind it, told number by number."""

from collections.abc import Iterator, Mapping

from core.config import EngagementConfig
from core.content import Content
from core.modelling.build import ModelBasis
from core.modelling.decay import age_days, decay
from core.modelling.engagement import Engagement, reading_seconds
from core.modelling.interests import TagPart, TagTrail
from core.signals import UserSignals
from core.tags import tag_key
from core.telling.explanation import (
    ComponentExplanation,
    ComponentName,
    GivenBy,
    ItemEvidence,
    ItemExplanation,
    ModelExplanation,
    ModelFacts,
    PersonaExplanation,
    TagExplanation,
    TagGift,
    UnopenedExplanation,
)
from core.telling.rereading import Rereading
from core.telling.style import style_of


def explain(
    stored: UserSignals,
    again: Rereading,
    contents: Mapping[str, Content],
    basis: ModelBasis,
    *,
    catalogue_version: str,
    now_ms: int,
) -> ModelExplanation:
    """Tell the stored model. What the events do not give any more stands there without evidence."""
    telling = _Telling(stored, again, contents, basis.config.engagement)
    return ModelExplanation(
        user_id=stored.user_id,
        matches_model=again.matches,
        differs=again.differs,
        newer_events=again.newer,
        model=ModelFacts(
            revision=stored.revision,
            built_at_ms=stored.built_at_ms,
            age_ms=max(0, now_ms - stored.built_at_ms),
            config_version=stored.config_version,
            config_version_now=basis.config_version,
            catalogue_version=stored.catalogue_version,
            catalogue_version_now=catalogue_version,
        ),
        window=stored.window,
        style=style_of(stored.behavior),
        interests=tuple(telling.tags(stored.tag_affinity, again.interests)),
        aversions=tuple(telling.tags(stored.tag_aversion, again.aversions)),
        likes=tuple(telling.items(stored.positives)),
        dislikes=tuple(telling.items(stored.negatives)),
        unopened=tuple(telling.unopened()),
        persona=PersonaExplanation(
            demographics=stored.demographics, named=again.seen.persona.named
        ),
    )


class _Telling:
    """What all parts of one explanation need."""

    def __init__(
        self,
        stored: UserSignals,
        again: Rereading,
        contents: Mapping[str, Content],
        config: EngagementConfig,
    ) -> None:
        self._stored = stored
        self._again = again
        self._contents = contents
        self._config = config

    def tags(self, weights: Mapping[str, float], trail: TagTrail) -> Iterator[TagExplanation]:
        for tag, weight in weights.items():
            parts = trail.parts.get(tag_key(tag), ())
            total = None
            for part in parts:  # in the order of the model's own sum
                total = part.given if total is None else total + part.given
            yield TagExplanation(
                tag=tag,
                weight=weight,
                gifts=tuple(self._gift(part) for part in parts),
                total=total,
                scale=trail.scale if parts else None,
            )

    def items(self, strengths: Mapping[str, float]) -> Iterator[ItemExplanation]:
        for item, decayed in strengths.items():
            engaged = self._again.seen.engaged.get(item)
            yield ItemExplanation(
                content_id=item,
                title=self._title(item),
                decayed=decayed,
                evidence=None if engaged is None else self._evidence(engaged),
            )

    def unopened(self) -> Iterator[UnopenedExplanation]:
        last_ms = {one.content_id: one.last_ms for one in self._again.seen.unopened}
        for item, (count, strength) in self._stored.unopened.items():
            yield UnopenedExplanation(
                content_id=item,
                title=self._title(item),
                count=count,
                strength=strength,
                last_shown_ms=last_ms.get(item),
            )

    def _gift(self, part: TagPart) -> TagGift:
        item, seen = part.content_id, self._again.seen
        by: GivenBy = "answer" if item is None else "item" if item in seen.engaged else "shown"
        named = (one.key for one in seen.persona.named if item is None and one.tag == part.tag)
        return TagGift(
            by=by,
            content_id=item,
            title=None if item is None else self._title(item),
            answers=tuple(named),
            strength=part.strength,
            tag_weight=part.tag_weight,
            given=part.given,
        )

    def _evidence(self, one: Engagement) -> ItemEvidence:
        evidence, built_ms = one.evidence, self._stored.built_at_ms
        content = self._contents.get(evidence.content_id)
        return ItemEvidence(
            strength=one.strength,
            suggested=one.suggested,
            decided_by=one.decided_by,
            components=tuple(self._components(one)),
            visits=evidence.visits,
            returns=evidence.returns,
            dwell_seconds=evidence.dwell_seconds,
            reading_seconds=reading_seconds(content, self._config),
            ended=evidence.reason,
            rating=evidence.rating,
            event_strength=evidence.explicit,
            last_ms=evidence.last_ms,
            age_days=age_days(evidence.last_ms, built_ms),
            decay=decay(evidence.last_ms, built_ms, self._config.half_life_days),
        )

    def _components(self, one: Engagement) -> Iterator[ComponentExplanation]:
        config = self._config
        # Who never viewed it cannot have come back; else the revisit is always known.
        revisit = one.revisit if one.evidence.visits else None
        told: tuple[tuple[ComponentName, float | None, float], ...] = (
            ("dwell_ratio", one.dwell_ratio, one.dwell_weight),
            ("completion", one.completion, config.completion_weight),
            ("revisit", revisit, config.revisit_weight),
            ("survey", one.survey, config.survey_weight),
        )
        for (name, value, weight), contribution in zip(told, one.contributions, strict=True):
            yield ComponentExplanation(
                name=name,
                observed=value is not None,
                value=value,
                weight=weight,
                contribution=contribution,
            )

    def _title(self, item: str) -> str | None:
        content = self._contents.get(item)
        return None if content is None else content.title
