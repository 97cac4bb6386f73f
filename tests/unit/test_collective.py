"""The statistics of what all visitors like: each as its formula says."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.lists import NeighbourLists
from core.collective.readings import ReadingGatherer
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig
from core.signals import UserSignals
from tests.build import NOW_MS
from tests.crowd import ITEMS, KEEP_ALL, built, model_of, readings_of, some_visitors


def dense(statistics: CollectiveStatistics, visitors: Sequence[Sequence[str]]) -> np.ndarray:
    """Who likes what, by the rows of the statistics. Shape: (visitors, liked)."""
    row_of = {one: row for row, one in enumerate(statistics.arrays.ids)}
    matrix = np.zeros((len(visitors), statistics.figures.items))
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
    lists = statistics.arrays.likes.ease
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
    lists = statistics.arrays.likes.near
    found = [lists.summed(np.array([row]), np.ones(1), len(wanted)) for row in range(len(wanted))]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.fill_diagonal(together, 0.0)
    assert statistics.arrays.likes.support.tolist() == together.sum(axis=1).tolist()


def test_lists_keep_the_strongest_only() -> None:
    visitors = some_visitors(count=200)
    whole = built(visitors, ITEMS)
    short = built(visitors, ITEMS, CollectiveConfig(neighbours=3, ease_lambda=3.0, near_shrink=2.0))
    for kept, every in (
        (short.arrays.likes.near, whole.arrays.likes.near),
        (short.arrays.likes.ease, whole.arrays.likes.ease),
    ):
        for row in range(whole.figures.items):
            begin, end = every.starts[row : row + 2]
            strongest = np.sort(np.abs(every.weights[begin:end]))[-3:]
            begin, end = kept.starts[row : row + 2]
            np.testing.assert_allclose(np.sort(np.abs(kept.weights[begin:end])), strongest)


def test_items_beyond_the_most_liked_have_neighbours_but_no_ease() -> None:
    config = CollectiveConfig(ease_items=4, neighbours=50)
    statistics = built(some_visitors(), ITEMS, config)
    assert np.diff(statistics.arrays.likes.ease.starts)[4:].sum() == 0
    assert (np.diff(statistics.arrays.likes.near.starts) > 0).all()


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
    gatherer = ReadingGatherer(most=2)
    gatherer.add(model_of(["new", "middle", "old"]))
    assert gatherer.readings().ids == ("new", "middle")


def test_half_a_life_ago_a_like_counts_half() -> None:
    config = CollectiveConfig(half_life_days=10.0)
    now = build_statistics(
        Counted(readings=readings_of([["i0"]] * 8)), ITEMS, config, now_ms=NOW_MS
    ).figures.decayed_likes
    older = Counted(readings=readings_of([["i0"]] * 8, age_days=10.0))
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
    shown = {"rare": 1, "often": 19}
    after = built(some_visitors(), [*ITEMS, *shown], impressions=shown, previous=before)
    collective = Collective(after)
    first = [after.arrays.ids[collective.fresh(seed)[0]] for seed in range(500)]
    assert 0.85 < first.count("rare") / 500 < 0.95  # ten to one, expected .909
    assert collective.fresh(7) == collective.fresh(7)


def weight(lists: NeighbourLists, source: int, row: int) -> float:
    """What one item says of another."""
    return float(lists.summed(np.array([source]), np.ones(1), len(ITEMS))[row])


def test_a_transition_leads_to_what_was_liked_soon_after_and_fades_with_every_step() -> None:
    orders = [["i0", "i1", "i2"]] * 4  # the latest first: i2 was read before i1 before i0
    config = CollectiveConfig(near_shrink=0.0, next_within_s=90.0, next_decay=0.5)
    row_of = {one: row for row, one in enumerate(built(orders, ITEMS).arrays.ids)}
    lists = built(orders, ITEMS, config).arrays.next
    assert weight(lists, row_of["i2"], row_of["i1"]) > 0
    assert weight(lists, row_of["i1"], row_of["i2"]) == 0
    # Two minutes later is not soon.
    assert weight(lists, row_of["i2"], row_of["i0"]) == 0
    whole = built(orders, ITEMS, CollectiveConfig(near_shrink=0.0, next_decay=0.5)).arrays.next
    near, far = (weight(whole, row_of["i2"], row_of[one]) for one in ("i1", "i0"))
    assert near == pytest.approx(4 / np.sqrt(6 * 4))
    assert far == pytest.approx(2 / np.sqrt(6 * 6))


def test_no_transition_leads_from_one_visitor_to_another_or_to_what_was_not_liked() -> None:
    gatherer = ReadingGatherer(most=100)
    for _ in range(3):
        gatherer.add(UserSignals(user_id="a", viewed={"i1": 1000}, positives={"i1": 1.0}))
        gatherer.add(
            UserSignals(user_id="b", viewed={"i2": 3000, "i3": 2000}, positives={"i3": 1.0})
        )
    counted = Counted(readings=gatherer.readings())
    statistics = build_statistics(counted, ITEMS, KEEP_ALL, now_ms=NOW_MS)
    assert not len(statistics.arrays.next.rows)
    assert len(statistics.arrays.views.near.rows) == 2


def test_quality_is_the_share_of_likes_drawn_to_the_mean_where_readers_are_few() -> None:
    gatherer = ReadingGatherer(most=100)
    for number in range(40):
        positives = {"i0": 1.0} if number % 4 else {}
        viewed = {"i0": 5, "i1": 4} if number == 1 else {"i0": 5}
        gatherer.add(UserSignals(user_id="a", viewed=viewed, positives=positives))
    statistics = build_statistics(
        Counted(readings=gatherer.readings()), ITEMS, KEEP_ALL, now_ms=NOW_MS
    )
    mean = 30 / 41
    wanted = [(30 + 10 * mean) / 50, 10 * mean / 11]
    np.testing.assert_allclose(statistics.arrays.quality, wanted, rtol=1e-6)


def test_after_its_try_an_item_is_not_new_any_more() -> None:
    before = built(some_visitors(), ITEMS)
    shown = {"tried": 25, "late": 24}
    after = built(some_visitors(), [*ITEMS, *shown], impressions=shown, previous=before)
    assert after.arrays.ids.take(after.arrays.fresh.astype(np.intp)) == ["late"]
