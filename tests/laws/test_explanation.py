"""Whatever a visitor did: the parts that an explanation names add up to the model's numbers."""

from collections.abc import Iterable
from functools import reduce
from operator import add

from hypothesis import given, settings

from core.config import ModelConfig
from core.events import InteractionEvent
from core.modelling.rounding import to_ten_thousandths, to_thousandths
from core.telling.explainer import ModelExplainer
from core.telling.explanation import ItemExplanation, TagExplanation
from tests.build import DAY_MS, NOW_MS
from tests.laws.happenings import CONFIGS, STORE, basis_of, happenings, stored

LATER_MS = NOW_MS + 3 * DAY_MS


@given(events=happenings(), config=CONFIGS)
@settings(deadline=None, max_examples=150)
async def test_the_parts_add_up_to_the_model(
    events: list[InteractionEvent], config: ModelConfig
) -> None:
    basis = basis_of(config)
    model, source, models = await stored(events, basis)
    assert model is not None
    told = await ModelExplainer(source, models, STORE, basis).explain("u1", now_ms=LATER_MS)
    assert told is not None
    assert (told.matches_model, told.differs, told.newer_events) == (True, (), 0)
    assert {one.tag: _weight(one) for one in told.interests} == model.tag_affinity
    assert {one.tag: _weight(one) for one in told.aversions} == model.tag_aversion
    assert {one.content_id: _decayed(one) for one in told.likes} == model.positives
    assert {one.content_id: _decayed(one) for one in told.dislikes} == model.negatives
    assert {one.content_id: (one.count, one.strength) for one in told.unopened} == model.unopened
    strengths = {one.content_id: abs(one.decayed) for one in (*told.likes, *told.dislikes)}
    for tag in (*told.interests, *told.aversions):
        for gift in tag.gifts:
            assert gift.given == gift.strength * gift.tag_weight
            if gift.by == "item":
                assert to_ten_thousandths(gift.strength) == strengths[gift.content_id or ""]
            if gift.by == "answer":
                assert gift.answers


def _sum(parts: Iterable[float]) -> float:
    """From left to right, as the model adds: another order differs in the last digit."""
    return reduce(add, parts)


def _weight(one: TagExplanation) -> float:
    assert one.scale is not None
    assert one.total == _sum(gift.given for gift in one.gifts)
    assert one.weight == to_thousandths(one.total / one.scale)
    return one.weight


def _decayed(one: ItemExplanation) -> float:
    found = one.evidence
    assert found is not None
    for part in found.components:
        assert part.observed == (part.value is not None)
        assert part.contribution == part.weight * (part.value or 0.0)
    assert found.suggested == _sum(part.contribution for part in found.components)
    if found.decided_by == "reading":
        assert found.strength == found.suggested
    elif found.event_strength is None or found.rating is None:
        assert found.strength != found.suggested
    # Of two that are said outright the second may settle on what the reading suggested.
    assert one.decayed == to_ten_thousandths(found.strength * found.decay)
    assert found.decay == 0.5 ** (found.age_days / 14)
    return one.decayed
