"""Scorers, fusion, MMR and the answer as a whole."""

from typing import Any

import msgspec
import numpy as np
import pytest

from core.answering import recommend_for_signals
from core.columns import ContentRows
from core.config import DistractorConfig, RankingConfig, ScorerWeights
from core.content import Content
from core.geo import GeoPoint, distance_m
from core.ranking.context import AnswerContext
from core.ranking.fusion import fuse
from core.ranking.mmr import Diversified
from core.ranking.pool import CandidatePool, gather
from core.ranking.scorers import ScoringInput, score_all
from core.recommendation import Recommendation, RecommendRequest
from core.signals import UserSignals
from core.vectors import pack, to_grid
from tests.build import NOW_MS, content

HERE = GeoPoint(52.5, 13.4)
A = content("a", tags=("theme_what:Hiding",), embed="a family behind the bookcase", position=HERE)
B = content("b", tags=("theme_what:Rescue",), embed="fishermen row over the sound at night")
C = content("c", tags=("theme_what:Hiding", "theme_what:Rescue"), embed="a barn in the forest")
MODEL = UserSignals(
    user_id="u1",
    positives={"liked-1": 0.8, "liked-2": 0.4},
    tag_affinity={"theme_what:Hiding": 0.6, "theme_what:Music": 0.2},
    tag_aversion={"theme_what:Rescue": 0.5},
    unopened={"b": (3.0, -0.3)},
    taste_vector=pack(A.vector / np.linalg.norm(A.vector)),
    recency_vector=pack(B.vector / np.linalg.norm(B.vector)),
)
LIKES = ContentRows.of(
    [
        msgspec.structs.replace(A, id="liked-1"),
        msgspec.structs.replace(B, id="liked-2"),
    ]
)


def scores(
    *items: Content, near: GeoPoint | None = None, session: Content | None = None, **model: Any
) -> dict[str, list[float]]:
    signals = msgspec.structs.replace(MODEL, **model)
    known = ContentRows.of(
        [LIKES[i] for i, one in enumerate(LIKES.ids) if one in signals.positives]
    )
    given = ScoringInput(
        signals=signals,
        likes=known,
        unopened=ContentRows.of([B] if signals.unopened else []),
        session=ContentRows.of([session] if session else []),
        near=near,
        config=RankingConfig(),
    )
    return {
        name: [round(float(v), 3) for v in values]
        for name, values in score_all(ContentRows.of(items), given).items()
    }


def test_every_scorer_follows_its_formula() -> None:
    found = scores(A, B, C, near=GeoPoint(52.5027, 13.4))
    cos_ab = float(A.vector @ B.vector / np.linalg.norm(A.vector) / np.linalg.norm(B.vector))
    assert found["semantic"][0] == pytest.approx(1.0, abs=1e-3)
    assert found["semantic"][1] == pytest.approx((cos_ab + 1) / 2, abs=2e-3)
    assert found["affinity"][0] == pytest.approx(1.0, abs=1e-3)
    assert found["affinity"][1] == pytest.approx(max(0.5, (cos_ab + 1) / 2), abs=2e-3)
    assert found["recency"][1] == pytest.approx(1.0, abs=1e-3)
    assert found["tag"] == [0.75, 0.0, 0.75]
    assert found["aversion"] == [0.0, 1.0, 1.0]
    assert found["geo"] == [pytest.approx(float(np.exp(-1)), abs=2e-3), 0.0, 0.0]
    assert found["fatigue"] == [0.0, pytest.approx(1 - float(np.exp(-1)), abs=1e-3), 0.0]


def test_a_scorer_with_nothing_to_go_on_is_left_out() -> None:
    empty = scores(
        A,
        B,
        taste_vector="",
        recency_vector="",
        positives={},
        tag_affinity={},
        tag_aversion={},
        unopened={},
    )
    assert empty == {}


def test_a_degree_of_latitude_is_about_111_kilometres() -> None:
    assert distance_m(GeoPoint(52, 13), GeoPoint(53, 13)) == pytest.approx(111_195, rel=1e-3)
    assert distance_m(GeoPoint(0, 179.9), GeoPoint(0, -179.9)) == pytest.approx(22_239, rel=1e-3)


def test_the_parts_add_up_to_the_score_as_integers() -> None:
    rng = np.random.default_rng(7)
    parts = {name: rng.random(50) for name in msgspec.structs.asdict(ScorerWeights())}
    fused = fuse(parts, ScorerWeights(), 50)
    for row in range(50):
        micros = sum(round(part * 1e6) for part in fused.contributions(row).values())
        assert micros == round(fused.score(row) * 1e6) == int(fused.total[row])


def mmr(total: list[int], vectors: list[list[float]], **config: Any) -> list[int]:
    order = np.array(sorted(range(len(total)), key=lambda row: -total[row]))
    settings = RankingConfig(**config)
    pool = np.stack([to_grid(vectors[row]) for row in order[: settings.mmr_pool]])
    return list(Diversified(order, np.array(total, dtype=np.int64), pool, settings).hand_out())


def test_mmr_prefers_the_unlike_among_nearly_equals() -> None:
    twins_and_other = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert mmr([500_000, 499_000, 480_000], twins_and_other, relevance=0.3) == [0, 2, 1]


def test_rescaled_mmr_keeps_relevance_where_classic_drowns_it() -> None:
    spread = [525_000, 520_000, 515_000, 500_000]
    alike_but_last = [[1.0, 0.1], [1.0, 0.0], [1.0, 0.05], [0.9, -0.5]]
    assert mmr(spread, alike_but_last, mmr="classic")[1] == 3
    assert mmr(spread, alike_but_last)[1] != 3


def test_equal_items_come_in_the_order_of_their_ids() -> None:
    same = [[1.0, 0.0]] * 4
    assert mmr([5, 5, 5, 5], same) == [0, 1, 2, 3]


def test_what_lies_outside_the_mmr_pool_follows_by_score() -> None:
    vectors = [[1.0, 0.0]] * 6
    assert mmr([60, 50, 40, 30, 20, 10], vectors, mmr_pool=3)[3:] == [3, 4, 5]


def answer(
    candidates: list[Content], *, model: UserSignals | None = MODEL, seed: int = 1, **more: Any
) -> Recommendation:
    config = more.pop("config", RankingConfig())
    pool = CandidatePool(
        candidates=gather([("taste", ContentRows.of(candidates))]),
        likes=ContentRows.of(LIKES if model and model.positives else ()),
        unopened=ContentRows.of([B] if model and model.unopened else ()),
        seen=ContentRows.of(more.pop("seen", ())),
        distractors=ContentRows.of(more.pop("distractors", ())),
        catalogue_version="v1",
    )
    context = AnswerContext(
        request_id="r-1", now_ms=NOW_MS, seed=seed, config=config, config_version="c1"
    )
    return recommend_for_signals(model, pool, RecommendRequest(user_id="u1", **more), context)


MANY = [
    content(f"item-{number:02}", embed=f"story number {number} of the city") for number in range(30)
]


def test_ranks_start_at_one_and_scores_are_the_sums_of_their_parts() -> None:
    items = answer(MANY, limit=10).items
    assert [item.rank for item in items] == list(range(1, 11))
    for item in items:
        assert sum(round(v * 1e6) for v in item.contributions.values()) == round(item.score * 1e6)


def test_the_order_of_the_candidates_changes_nothing_for_a_warm_visitor() -> None:
    assert answer(MANY, limit=10) == answer(MANY[::-1], limit=10)


def test_a_longer_list_starts_with_the_shorter_one() -> None:
    long = [item.content_id for item in answer(MANY, limit=25).items]
    short = [item.content_id for item in answer(MANY, limit=7).items]
    assert long[:7] == short


def test_seen_items_fill_up_oldest_first_and_are_marked() -> None:
    items = answer([A], seen=(C, B), limit=3).items
    assert [item.content_id for item in items] == ["a", "c", "b"]
    assert [item.generated_by for item in items] == [("taste",), ("revisit",), ("revisit",)]


def test_an_empty_pool_is_an_empty_answer() -> None:
    assert answer([]).items == ()


@pytest.mark.parametrize(
    ("model", "strategy"),
    [
        (None, "cold_diverse"),
        (UserSignals(user_id="u1", tag_affinity={"theme_what:Hiding": 1.0}), "cold_persona"),
        (MODEL, "warm"),
    ],
)
def test_the_strategy_says_how_much_was_known(model: UserSignals | None, strategy: str) -> None:
    found = answer(MANY, model=model)
    assert found.strategy == found.diagnostics.strategy == strategy
    assert len(found.items) == 10


@pytest.mark.parametrize("strategy", ["max_dissimilar", "unexplored_theme", "random"])
@pytest.mark.parametrize("seed", range(8))
def test_the_distractor_is_where_the_answer_says(strategy: Any, seed: int) -> None:
    far = [
        content(f"far-{n}", tags=("theme_what:Air War",), embed=f"planes over harbour {n}")
        for n in range(5)
    ]
    config = RankingConfig(distractor=DistractorConfig(strategy=strategy))
    found = answer(MANY, seed=seed, distractors=tuple(far), distractor=True, config=config)
    report = found.diagnostics.distractor
    assert report.placed
    assert report.rank in (3, 4)
    marked = [item for item in found.items if item.kind == "distractor"]
    assert [item.rank for item in marked] == [report.rank]
    assert marked[0].content_id.startswith("far-")
    assert len(found.items) == 10
    assert len({item.content_id for item in found.items}) == 10


def test_both_ranks_of_the_distractor_occur() -> None:
    far = (content("far"),)
    ranks = {
        answer(MANY, seed=s, distractors=far, distractor=True).diagnostics.distractor.rank
        for s in range(20)
    }
    assert ranks == {3, 4}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, "not asked for"),
        ({"distractor": False}, "not asked for"),
        ({"distractor": True, "limit": 2}, "the list is too short"),
        ({"distractor": True}, "no off-profile item in scope"),
        ({"distractor": True, "model": None}, "nothing is known to be off-profile"),
    ],
)
def test_without_a_distractor_the_answer_says_why(more: dict[str, Any], reason: str) -> None:
    report = answer(MANY, **more).diagnostics.distractor
    assert (report.placed, report.reason) == (False, reason)


def test_a_distractor_known_by_theme_is_not_unexplored() -> None:
    known = content("known", tags=("theme_what: hiding",))
    config = RankingConfig(distractor=DistractorConfig(strategy="unexplored_theme"))
    report = answer(
        MANY, distractors=(known,), distractor=True, config=config
    ).diagnostics.distractor
    assert not report.placed
