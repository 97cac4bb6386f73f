"""Explanations add up, change nothing and agree with the list, whatever model and catalogue."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import CandidateConfig, RankingConfig
from core.content import Content
from core.explaining.outcomes import (
    Excluded,
    Filtered,
    Hidden,
    Listed,
    NotACandidate,
    NotValidNow,
    Outscored,
    Ruled,
    Seen,
    TooFar,
)
from core.explaining.shares import apportion
from core.explanation import Explanation, Together
from core.recommendation import Recommendation, RecommendedItem, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import cosines
from tests.build import NOW_MS
from tests.laws.test_answers import REQUESTS, models
from tests.laws.test_rules import CAPS, catalogues

FEW = CandidateConfig(vector=3, tags=2, geo=2, sample=4, related=1, session=2, popular=1)
"""So that not every item of a small catalogue becomes a candidate."""
CANDIDATES = st.sampled_from([CandidateConfig(), FEW])


async def recommender_of(
    catalogue: Sequence[Content], model: UserSignals, config: RankingConfig
) -> Recommender:
    store = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    await store.save_signals([model])
    return Recommender(store, InMemoryContentStore(catalogue), config, "c1")


def micros(value: float) -> int:
    return round(value * 1e6)


def explained(item: RecommendedItem) -> Explanation:
    assert item.explanation is not None
    return item.explanation


def plain(answer: Recommendation) -> Recommendation:
    bare = [msgspec.structs.replace(item, explanation=None) for item in answer.items]
    return msgspec.structs.replace(answer, request_id="", items=tuple(bare))


@given(catalogue=catalogues(), model=models(), request=REQUESTS, caps=CAPS, candidates=CANDIDATES)
@settings(deadline=None, max_examples=150)
async def test_every_explanation_adds_up_and_changes_nothing(
    catalogue: list[Content],
    model: UserSignals,
    request: RecommendRequest,
    caps: tuple[str, ...],
    candidates: CandidateConfig,
) -> None:
    config = RankingConfig(facet_caps=caps, candidates=candidates)
    recommender = await recommender_of(catalogue, model, config)
    wanted = msgspec.structs.replace(request, explain=True)
    answer = await recommender.recommend(wanted, now_ms=NOW_MS)
    assert plain(answer) == plain(await recommender.recommend(request, now_ms=NOW_MS))
    for item in answer.items:
        _require_sums(item)
        _require_reason(item, model)
    _require_order(answer.items, {one.id: one for one in catalogue}, config)


def _require_sums(item: RecommendedItem) -> None:
    found = explained(item)
    assert {one.name: one.contribution for one in found.scorers} == item.contributions
    assert sum(micros(one.contribution) for one in found.scorers) == micros(item.score)
    for one in found.scorers:
        assert 0 <= one.value <= 1
        assert one.weight is not None
        assert round(one.value * (one.weight * 1e6)) == micros(one.contribution)
    for name, shares in found.evidence.tags.items():
        total = sum(micros(one.contribution) for one in shares)
        assert total == micros(item.contributions[name]), "the shares are the contribution"


def _require_order(
    items: Sequence[RecommendedItem], contents: dict[str, Content], config: RankingConfig
) -> None:
    """What MMR goes by can be computed again, and falls from the second rank on."""
    values = []
    for item in items:
        found = explained(item)
        if found.mmr is None:
            continue
        if found.mmr.closest is None:
            assert found.mmr.penalty == 0.0
            continue  # the first; the next may gain by being unlike it
        pair = [contents[one].vector[None, :] for one in (item.content_id, found.mmr.closest)]
        assert found.mmr.penalty == (1.0 - config.relevance) * float(cosines(*pair)[0, 0])
        if not any(isinstance(rule, Together) for rule in found.rules):  # those wait for room
            values.append(found.mmr.relevance - found.mmr.penalty)
    assert values == sorted(values, reverse=True)


def _require_reason(item: RecommendedItem, model: UserSignals) -> None:
    """A reason names only what contributes."""
    found, parts = explained(item), item.contributions
    speaking = {name for name, part in parts.items() if part > 0}
    reason, evidence = found.reason, found.evidence
    rules = {type(rule).__name__ for rule in found.rules}
    if reason.startswith("Because"):
        assert "affinity" in speaking
        assert evidence.liked is not None
        assert evidence.liked.title in reason
        assert evidence.liked.content_id in model.positives
    labels = [
        one.tag.partition(":")[2]
        for name in ("tag", "session_tag")
        for one in evidence.tags.get(name, ())
        if one.contribution > 0
    ]
    if "about" in reason:
        assert any(f"about {label}" in reason for label in labels)
    assert ("Close to" not in reason) or "semantic" in speaking
    assert ("from where you are" not in reason) or "geo" in speaking
    assert not reason.startswith("Chosen for") or reason[15:-1].replace(" ", "_") in speaking
    assert ("Pinned" in reason) <= ("Pinned" in rules)
    assert ("on purpose" in reason) == (item.kind == "distractor")
    assert ("seen it before" in reason) == (item.content_id in model.viewed)
    assert ("Popular" not in reason) or "popular" in item.generated_by


@given(catalogue=catalogues(), model=models(), request=REQUESTS, caps=CAPS, candidates=CANDIDATES)
@settings(deadline=None, max_examples=60)
async def test_why_agrees_with_the_list_about_every_item_of_the_catalogue(
    catalogue: list[Content],
    model: UserSignals,
    request: RecommendRequest,
    caps: tuple[str, ...],
    candidates: CandidateConfig,
) -> None:
    config = RankingConfig(facet_caps=caps, candidates=candidates)
    recommender = await recommender_of(catalogue, model, config)
    wanted = msgspec.structs.replace(request, explain=True)
    answer = await recommender.recommend(wanted, now_ms=NOW_MS)
    items = {item.content_id: item for item in answer.items}
    scope = msgspec.structs.replace(request.scope(), now_ms=NOW_MS)
    for content in catalogue:
        found = await recommender.why(content.id, request, now_ms=NOW_MS)
        assert found is not None
        assert (found.request_id, found.content_id) == (answer.request_id, content.id)
        assert found.sentence.endswith(".")
        assert isinstance(found, Listed) == (content.id in items)
        outside = isinstance(found, Hidden | NotValidNow | Excluded | Filtered | TooFar)
        assert outside == (not scope.allows(content))
        if isinstance(found, Listed):
            assert found.item == items[content.id]
            assert found.rank == found.item.rank
        elif not outside:
            _require_absence(found, content, model, items, request)


def _require_absence(
    found: object,
    content: Content,
    model: UserSignals,
    items: dict[str, RecommendedItem],
    request: RecommendRequest,
) -> None:
    """Of an item that may be shown and is not in the list."""
    assert isinstance(found, Seen) <= (content.id in model.viewed)
    assert isinstance(found, Seen | Ruled) or content.id not in model.viewed
    if isinstance(found, Outscored):
        assert len(items) == request.limit, "a list that has room takes every candidate"
    if isinstance(found, Ruled) and found.rule == "facet_cap":
        assert set(found.content_ids) <= items.keys()
    if isinstance(found, Outscored | NotACandidate):
        parts = [micros(one.contribution) for one in found.scorers]
        assert sum(parts) == micros(found.score)
        if (compared := found.compared) is not None:
            last = items[compared.last_content_id]
            assert (compared.last_rank, compared.last_score) == (last.rank, last.score)
            assert micros(compared.behind_by) == micros(last.score) - micros(found.score)
            gaps = [micros(one.difference) for one in compared.differences]
            assert -sum(gaps) == micros(compared.behind_by)
            if compared.mmr is not None and compared.last_mmr is not None:
                own = compared.mmr.relevance - compared.mmr.penalty
                assert own <= compared.last_mmr.relevance - compared.last_mmr.penalty


@given(
    st.integers(-1_000_000, 1_000_000),
    st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=40),
)
def test_shares_add_up_and_none_is_off_by_one(total: int, amounts: list[float]) -> None:
    shares = apportion(total, amounts)
    assert sum(shares) == total
    for share, amount in zip(shares, amounts, strict=True):
        assert abs(share - total * amount / sum(amounts)) < 1 + 1e-6
