"""The measures of recommendation quality, on lists that can be judged by eye."""

from math import log2

import numpy as np
import pytest

from core.vectors import to_grid
from tests.quality.metrics import Lists, figures, intra_list_distance, padded, ratio

AXES = np.stack([to_grid(row) for row in np.eye(12)])


def lists(*answers: tuple[int, int, list[int]]) -> Lists:
    """From users, what came next for them, and what was shown."""
    users, targets, shown = zip(*answers, strict=True)
    return Lists(users=np.array(users), targets=np.array(targets), shown=padded(shown))


def test_a_hit_counts_by_its_place() -> None:
    found = figures(lists((1, 5, [5, 1]), (1, 5, [0, 1, 5]), (2, 5, [0, 1, 2])), AXES)
    assert found.hit_rate == pytest.approx(2 / 3)
    assert found.ndcg == pytest.approx((1 + 1 / log2(4)) / 3)
    assert found.mrr == pytest.approx((1 + 1 / 3) / 3)
    assert (found.events, found.users) == (3, 2)


def test_behind_the_tenth_place_nothing_counts() -> None:
    shown = list(range(12))
    assert figures(lists((1, 9, shown)), AXES).ndcg == pytest.approx(1 / log2(11))
    assert figures(lists((1, 10, shown)), AXES).ndcg == 0


def test_coverage_is_the_share_of_the_catalogue_that_anybody_is_shown() -> None:
    assert figures(lists((1, 5, [0, 1]), (2, 5, [1, 2])), AXES).coverage == pytest.approx(3 / 12)


def test_a_list_of_one_and_the_same_has_no_distance_and_of_unlike_items_it_is_one() -> None:
    same = np.stack([AXES[0]] * 3)
    assert intra_list_distance(padded([[0, 1, 2]]), same) == pytest.approx(0, abs=1e-6)
    assert intra_list_distance(padded([[0, 1, 2]]), AXES) == pytest.approx(1)


def test_a_shorter_list_is_no_item_of_the_catalogue() -> None:
    assert intra_list_distance(padded([[0]]), AXES) == 0
    assert figures(lists((1, 11, [0, 1])), AXES).hit_rate == 0


def test_a_ratio_of_equals_is_one_without_doubt() -> None:
    one = lists((1, 5, [5]), (2, 5, [0, 5]), (3, 5, [1, 0, 5]))
    found = ratio(one, one)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_what_one_user_alone_decides_is_in_doubt() -> None:
    better = lists((1, 5, [5]), (2, 5, [0, 1, 2, 5]), (3, 5, [0, 5]))
    worse = lists((1, 5, [0, 5]), (2, 5, [0, 5]), (3, 5, [0, 5]))
    found = ratio(better, worse)
    assert found.low < 1 < found.value < found.high


def test_ways_that_were_asked_other_questions_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="both asked"):
        ratio(lists((1, 5, [5])), lists((1, 4, [5])))
