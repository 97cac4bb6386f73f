"""The replay of ratings: what is asked, what may be known, and that the engine can answer."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from core.content import Content
from tests.build import content
from tests.quality import ways
from tests.quality.baselines import PLAIN, Decay, Ease, Popularity
from tests.quality.dataset import Dataset, Ratings
from tests.quality.engine import Engine, EngineConfig
from tests.quality.questions import VISIT_MS, Question, questions
from tests.quality.replay import replay
from tests.quality.scarcity import Sample
from tests.quality.visitors import Visitors

DAY_S = 86_400
ITEMS = 30


def films() -> tuple[Content, ...]:
    return tuple(content(f"f{number}", text="") for number in range(ITEMS))


def crowd() -> Ratings:
    """Of every day: users who like three neighbouring items, one after the other."""
    rows = []
    for user in range(60):
        for step in range(3):
            item = (user + step) % ITEMS
            rows.append((user, item, 5, user * DAY_S // 4 + step * 10))
        rows.append((user, (user + 15) % ITEMS, 1, user * DAY_S // 4 + 40))
    return Ratings.of(rows)


def test_a_question_comes_before_every_like_of_who_has_liked_before() -> None:
    ratings = Ratings.of(
        [(1, 0, 5, 10), (1, 1, 3, 20), (1, 2, 4, 30), (2, 0, 3, 35), (2, 1, 5, 40)]
    )
    [asked] = questions(ratings, 0.0, 1.0)
    assert (asked.user, asked.target, asked.history) == (1, 2, (0, 1))


def test_only_a_stretch_is_asked_about_and_what_came_before_is_known() -> None:
    ratings = Ratings.of([(1, item, 5, item) for item in range(10)])
    asked = list(questions(ratings, 0.8, 1.0))
    assert [one.target for one in asked] == [8, 9]
    assert asked[0].history == tuple(range(8))


def test_of_the_visit_that_goes_on_nothing_is_known_but_that_it_was_seen() -> None:
    ratings = Ratings.of([(1, 0, 5, 0), (1, 1, 5, 5_000), (1, 2, 5, 5_010)])
    first, second = questions(ratings, 0.0, 1.0, older_than_ms=VISIT_MS)
    assert (first.history, first.hidden) == ((0,), ())
    assert (second.history, second.hidden) == ((0,), (1,))


def test_ratings_of_one_second_keep_their_order() -> None:
    ratings = Ratings.of([(1, 7, 5, 3), (1, 2, 5, 3), (2, 9, 5, 3), (1, 5, 5, 2)])
    own = ratings.items[ratings.users == 1]
    assert own.tolist() == [5, 7, 2]
    assert np.diff(ratings.ts_ms[ratings.users == 1]).min() > 0


def test_a_day_begins_once_with_all_that_came_before_it() -> None:
    began: list[int] = []

    class Nobody:
        def begin_day(self, before: int, now_ms: int) -> None:
            assert now_ms >= 0
            began.append(before)

        def answer(self, question: Question) -> Mapping[str, Sequence[int]]:
            return {"the target": [question.target]}

    ratings = Ratings.of([(1, item, 5, item * DAY_S // 2) for item in range(6)])
    found = replay(Nobody(), questions(ratings, 0.0, 1.0))
    assert began == [0, 2, 4]
    assert found["the target"].ranks.tolist() == [0] * 5


def test_baselines_never_show_what_was_seen_and_know_their_ways() -> None:
    ratings = crowd()
    asked = list(questions(ratings, 0.5, 1.0))
    for found in (
        replay(Popularity(ratings, ITEMS, {"all": 1e6, "week": 7.0}), asked),
        replay(Ease(ratings, ITEMS, 1.0, {"plain": PLAIN, "latest": Decay(1.0, 0.0)}), asked),
    ):
        assert len(found) == 2
        for lists in found.values():
            for question, shown in zip(asked, lists.shown.tolist(), strict=True):
                assert not {*ratings.items[list(question.history)].tolist()} & {*shown}


def test_ease_finds_what_is_liked_together_and_popularity_cannot() -> None:
    ratings = crowd()
    asked = list(questions(ratings, 0.5, 1.0))
    ease = replay(Ease(ratings, ITEMS, 1.0, {"ease": PLAIN}), asked)["ease"]
    popular = replay(Popularity(ratings, ITEMS, {"all": 1e6}), asked)["all"]
    assert ease.gains.mean() > 2 * popular.gains.mean()


def test_a_rating_is_to_the_engine_a_like_from_four_stars_on_and_a_dislike_to_two() -> None:
    ratings = Ratings.of([(1, 0, 4, 10), (1, 1, 3, 20), (1, 2, 2, 30)])
    visitors = Visitors(Dataset(ratings=ratings, films=films()), EngineConfig().model, "")
    model = visitors.model(1, [0, 1, 2], 40_000)
    assert list(model.viewed) == ["f2", "f1", "f0"]
    assert (list(model.positives), list(model.negatives)) == (["f0"], ["f2"])


def test_the_engine_learns_from_everybody_what_goes_together() -> None:
    ratings = crowd()
    dataset = Dataset(ratings=ratings, films=films())
    asked = list(questions(ratings, 0.8, 1.0))
    every = {ways.STATIC: ways.static(), **ways.alone()}
    with Engine(dataset, every, EngineConfig()) as engine:
        found = replay(engine, asked)
    assert found.keys() == every.keys()
    assert found[ways.COVISIT].gains.mean() > 2 * found[ways.CONTENT].gains.mean()
    for question, shown in zip(asked, found[ways.STATIC].shown.tolist(), strict=True):
        assert question.target not in ratings.items[list(question.history)]
        assert not {*ratings.items[list(question.history)].tolist()} & {*shown}


@pytest.mark.parametrize("of", ["events", "users"])
def test_a_sample_is_the_same_each_time_and_of_users_it_is_whole(of: str) -> None:
    ratings = crowd()
    sample = Sample("events" if of == "events" else "users", 0.5, 1)
    places = sample.places(ratings)
    assert places.tolist() == sample.places(ratings).tolist()
    assert 0 < len(places) < len(ratings)
    chosen = {*ratings.users[places].tolist()}
    whole = np.isin(ratings.users, list(chosen)).sum() == len(places)
    assert whole == (of == "users")
