"""What all visitors together like: the statistics, and what they do to a list."""

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pytest

from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.user_models import InMemoryUserModelStore
from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.likes import LikeGatherer, LikeTable
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig, CovisitConfig, ModelConfig, RankingConfig
from core.modelling.build import ModelBasis
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.updater import UserModelUpdater
from tests.build import DAY_MS, NOW_MS, PLAN, read, themed_catalogue

STORE = themed_catalogue()
CATALOGUE = list(STORE.columns.ids)
ITEMS = [f"i{number}" for number in range(12)]
KEEP_ALL = CollectiveConfig(neighbours=50, ease_lambda=3.0, near_shrink=2.0)


def table_of(visitors: Sequence[Sequence[str]], *, age_days: float = 0.0) -> LikeTable:
    gatherer = LikeGatherer(most=100)
    for likes in visitors:
        gatherer.add(dict.fromkeys(likes, NOW_MS - round(age_days * DAY_MS)))
    return gatherer.table()


def built(
    visitors: Sequence[Sequence[str]],
    catalogue: Sequence[str] = CATALOGUE,
    config: CollectiveConfig = KEEP_ALL,
    *,
    impressions: Mapping[str, int] | None = None,
    previous: CollectiveStatistics | None = None,
) -> CollectiveStatistics:
    counted = Counted(likes=table_of(visitors), impressions=impressions or {})
    return build_statistics(counted, catalogue, config, now_ms=NOW_MS, previous=previous)


def some_visitors(seed: int = 1, count: int = 40) -> list[list[str]]:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    return [random.sample(ITEMS, random.randint(1, 6)) for _ in range(count)]


def dense(statistics: CollectiveStatistics, visitors: Sequence[Sequence[str]]) -> np.ndarray:
    """Who likes what, by the rows of the statistics. Shape: (visitors, liked)."""
    row_of = {one: row for row, one in enumerate(statistics.arrays.ids)}
    matrix = np.zeros((len(visitors), statistics.figures.liked))
    for visitor, likes in enumerate(visitors):
        matrix[visitor, [row_of[one] for one in likes]] = 1.0
    return matrix


def test_ease_is_the_solution_of_its_equation() -> None:
    visitors = some_visitors()
    statistics = built(visitors, ITEMS)
    likes = dense(statistics, visitors)
    inverse = np.linalg.inv(likes.T @ likes + 3.0 * np.eye(likes.shape[1]))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0.0)
    lists = statistics.arrays.ease
    found = [lists.summed(np.array([row]), np.ones(1), len(wanted)) for row in range(len(wanted))]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_nearest_are_liked_by_the_same_visitors_few_of_whom_count_less() -> None:
    visitors = some_visitors()
    statistics = built(visitors, ITEMS)
    likes = dense(statistics, visitors)
    together = likes.T @ likes
    own = np.diag(together)
    wanted = together / np.sqrt(np.outer(own, own)) * together / (together + 2.0)
    np.fill_diagonal(wanted, 0.0)
    lists = statistics.arrays.near
    found = [lists.summed(np.array([row]), np.ones(1), len(wanted)) for row in range(len(wanted))]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.fill_diagonal(together, 0.0)
    assert statistics.arrays.support.tolist() == together.sum(axis=1).tolist()


def test_lists_keep_the_strongest_only() -> None:
    visitors = some_visitors(count=200)
    whole = built(visitors, ITEMS)
    short = built(visitors, ITEMS, CollectiveConfig(neighbours=3, ease_lambda=3.0, near_shrink=2.0))
    for kept, every in (
        (short.arrays.near, whole.arrays.near),
        (short.arrays.ease, whole.arrays.ease),
    ):
        for row in range(whole.figures.liked):
            begin, end = every.starts[row : row + 2]
            strongest = np.sort(np.abs(every.weights[begin:end]))[-3:]
            begin, end = kept.starts[row : row + 2]
            np.testing.assert_allclose(np.sort(np.abs(kept.weights[begin:end])), strongest)


def test_items_beyond_the_most_liked_have_neighbours_but_no_ease() -> None:
    config = CollectiveConfig(ease_items=4, neighbours=50)
    statistics = built(some_visitors(), ITEMS, config)
    assert np.diff(statistics.arrays.ease.starts)[4:].sum() == 0
    assert (np.diff(statistics.arrays.near.starts) > 0).all()


def test_the_order_of_visitors_changes_nothing_and_an_older_day_does() -> None:
    visitors = some_visitors()
    first = built(visitors, ITEMS)
    assert built(visitors[::-1], ITEMS).figures.version == first.figures.version
    assert built(visitors[:-1], ITEMS).figures.version != first.figures.version


def test_likes_of_what_is_not_in_the_catalogue_do_not_count() -> None:
    visitors = some_visitors()
    with_gone = [[*likes, "gone"] for likes in visitors]
    assert built(with_gone, ITEMS).figures.version == built(visitors, ITEMS).figures.version


def test_a_visitor_counts_with_the_latest_likes_only() -> None:
    gatherer = LikeGatherer(most=2)
    gatherer.add({"new": 3, "middle": 2, "old": 1})
    assert gatherer.table().ids == ("new", "middle")


def test_half_a_life_ago_a_like_counts_half() -> None:
    config = CollectiveConfig(half_life_days=10.0)
    now = build_statistics(
        Counted(likes=table_of([["i0"]] * 8)), ITEMS, config, now_ms=NOW_MS
    ).figures.decayed_likes
    older = Counted(likes=table_of([["i0"]] * 8, age_days=10.0))
    then = build_statistics(older, ITEMS, config, now_ms=NOW_MS).figures.decayed_likes
    assert then == pytest.approx(now / 2)


def test_what_came_into_the_catalogue_later_is_new_and_the_least_shown_comes_first() -> None:
    visitors = some_visitors()
    before = built(visitors, ITEMS)
    assert not len(before.arrays.fresh)
    shown = {"late-1": 7, "late-2": 2}
    after = built(visitors, [*ITEMS, "late-1", "late-2"], impressions=shown, previous=before)
    assert after.arrays.ids.take(after.arrays.fresh.astype(np.intp)) == ["late-2", "late-1"]


def test_of_new_items_those_shown_less_are_tried_more_often() -> None:
    before = built(some_visitors(), ITEMS)
    shown = {"rare": 3, "often": 39}
    after = built(some_visitors(), [*ITEMS, *shown], impressions=shown, previous=before)
    collective = Collective(after, 300.0)
    first = [collective.fresh(seed)[0] for seed in range(500)]
    assert 0.85 < first.count("rare") / 500 < 0.95  # ten to one, expected .909
    assert collective.fresh(7) == collective.fresh(7)


async def recommend(
    *events: object,
    collective: Collective | None,
    config: RankingConfig | None = None,
    **request: object,
) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    basis = ModelBasis.of(PLAN, ModelConfig())
    updater = UserModelUpdater(FakeEventSource(events), models, STORE, basis)  # type: ignore[arg-type]
    await updater.refresh("u1", now_ms=NOW_MS)
    recommender = Recommender(
        models,
        STORE,
        config or RankingConfig(),
        basis.config_version,
        collective=lambda: collective,
    )
    wanted = RecommendRequest(user_id="u1", **request)  # type: ignore[arg-type]
    return await recommender.recommend(wanted, now_ms=NOW_MS)


def crowd(times: int, likes: Sequence[str] = ("hiding-0", "bombing-3")) -> Collective:
    return Collective(built([list(likes)] * times), 300.0)


def rank_of(answer: Recommendation, content_id: str) -> int:
    return [one.content_id for one in answer.items].index(content_id) + 1


async def test_what_others_liked_beside_it_comes_up_the_more_of_them_there_are() -> None:
    read_one = read("hiding-0", 40)
    alone = await recommend(read_one, collective=None, limit=27)
    few = await recommend(read_one, collective=crowd(5), limit=27)
    many = await recommend(read_one, collective=crowd(3000), limit=27)
    assert rank_of(many, "bombing-3") == 1
    assert rank_of(alone, "bombing-3") > rank_of(many, "bombing-3")
    parts = [
        {one.content_id: one.contributions for one in answer.items}["bombing-3"]["covisit"]
        for answer in (few, many)
    ]
    assert 0 < parts[0] < parts[1] < 0.8
    for one in many.items:
        assert one.score == pytest.approx(sum(one.contributions.values()), abs=1e-9)
    assert "covisit" in many.items[0].generated_by


async def test_nobodys_likes_leave_every_byte_of_the_ranking_as_content_makes_it() -> None:
    empty = Collective(built([]), 300.0)
    for events in ((), (read("hiding-0", 40), read("bombing-0", 40))):
        without = await recommend(*events, collective=None, limit=20)
        with_none = await recommend(*events, collective=empty, limit=20)
        assert with_none.items == without.items


async def test_a_stranger_meets_what_most_like() -> None:
    answer = await recommend(collective=crowd(3000, ["bombing-3"]), limit=5)
    assert answer.items[0].content_id == "bombing-3"
    assert answer.items[0].contributions["popularity"] == pytest.approx(0.4 * 3000 / 3300, abs=0.01)
    assert "liked" in answer.items[0].generated_by


async def test_popularity_makes_way_as_covisit_gets_certain() -> None:
    unread = await recommend(collective=crowd(3000), limit=27)
    known = await recommend(read("hiding-0", 40), collective=crowd(3000), limit=27)
    cold, warm = (
        {one.content_id: one.contributions for one in answer.items}["bombing-3"]["popularity"]
        for answer in (unread, known)
    )
    assert warm < cold / 3


async def test_the_latest_like_says_most() -> None:
    both = Collective(built([["hiding-0", "bombing-3"], ["hiding-1", "rescue-2"]] * 2000), 300.0)
    config = RankingConfig(covisit=CovisitConfig(half_life_likes=1.0, floor=0.0))
    old, new = read("hiding-0", 40), read("hiding-1", 40, ts_ms=NOW_MS - 1000)
    answer = await recommend(old, new, collective=both, config=config, limit=20)
    values = {one.content_id: one.contributions["covisit"] for one in answer.items}
    assert values["rescue-2"] > 1.5 * values["bombing-3"] > 0


async def test_one_new_item_a_list_is_tried_and_said_to_be() -> None:
    late = ("hiding-5", "bombing-5")
    before = built([["hiding-0", "bombing-3"]] * 9, [one for one in CATALOGUE if one not in late])
    after = built([["hiding-0", "bombing-3"]] * 9, previous=before)
    for seed in range(6):
        answer = await recommend(collective=Collective(after, 300.0), limit=20, seed=seed)
        tried = [one for one in answer.items if one.contributions.get("novelty")]
        assert len(tried) == 1
        assert tried[0].content_id in late
        assert "fresh" in tried[0].generated_by
        assert tried[0].contributions["novelty"] == pytest.approx(0.8)


async def test_what_is_read_just_now_counts_as_the_latest_like() -> None:
    answer = await recommend(collective=crowd(3000), session="hiding-0", limit=20)
    values = {one.content_id: one.contributions for one in answer.items}
    assert values["bombing-3"]["covisit"] > 0.5
