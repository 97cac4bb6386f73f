"""Weights learned of what was opened: around the static ones, and not of the positions."""

import msgspec
import numpy as np
import pytest

from core.errors import RejectedError
from core.learning.gathering import Gathering, ShownRow
from core.learning.linear import fit
from core.learning.measures import gains_of, mean_ndcg
from core.learning.training import Versions, train_linear
from core.policies.policy import SCORERS
from core.ranking.exploring import drawn_weights
from tests.learned import STATIC, linear_model, synthetic

WORLD = STATIC | {"geo": 0.6, "tag": -0.1, "semantic": 0.0}
PRIOR = np.array(list(STATIC.values()))


def test_weights_that_made_the_openings_are_found_again() -> None:
    found = train_linear(synthetic(6000, WORLD, seed=1), STATIC, Versions()).named()
    for name, weight in WORLD.items():
        assert found[name] == pytest.approx(weight, abs=0.12), name


def test_where_the_static_weights_are_right_they_stay() -> None:
    found = train_linear(synthetic(6000, STATIC, seed=2), STATIC, Versions())
    for name, weight in STATIC.items():
        assert found.named()[name] == pytest.approx(weight, abs=0.1), name


def test_the_later_part_says_how_much_better_it_is_than_the_static_weights() -> None:
    model = train_linear(synthetic(6000, WORLD, seed=3), STATIC, Versions(config=("c1",)))
    training = model.training
    assert training.metrics is not None
    assert training.metrics.learned.log_loss < training.metrics.static.log_loss
    assert training.metrics.learned.ndcg > training.metrics.static.ndcg
    assert (training.metrics.answers, training.metrics.rows) == (1200, 12_000)
    assert (training.rows, training.answers) == (60_000, 6000)
    assert (training.window.from_ms, training.window.to_ms) == (0, 5_999_000)
    assert training.config_versions == ("c1",)


def test_what_stood_on_top_is_not_taken_for_what_is_liked() -> None:
    """Opened is by position alone; a scorer that put items on top would look like taste."""
    some = synthetic(6000, WORLD, seed=4)
    random = np.random.default_rng(4)
    chance = 0.5 / (1.0 + some.position)
    examples = msgspec.structs.replace(some, opened=random.random(len(some)) < chance)
    found = fit(examples, PRIOR)
    score = found.scale * (found.weights - found.weights.mean())
    assert np.abs(score).max() < 0.4, "log-odds of a value from 0 to 1"
    assert found.intercepts[0] - found.intercepts[9] > 2


def test_a_scorer_that_said_nothing_keeps_its_weight_and_is_as_uncertain_as_before() -> None:
    some = synthetic(2000, WORLD, seed=5)
    values = some.values.copy()
    values[:, SCORERS.index("geo")] = 0.0
    found = fit(msgspec.structs.replace(some, values=values), PRIOR, 0.3)
    at = SCORERS.index("geo")
    assert found.weights[at] == STATIC["geo"]
    assert found.covariance[at, at] == pytest.approx(0.09)
    assert found.covariance[0, 0] < 0.01


def test_with_hardly_any_openings_nothing_is_learned() -> None:
    some = synthetic(50, WORLD, seed=6)
    with pytest.raises(RejectedError, match=r"of 500 shown items .* there must be 100 of each"):
        train_linear(msgspec.structs.replace(some, opened=some.opened & False), STATIC, Versions())


def test_answers_are_learned_from_in_the_order_of_their_time() -> None:
    gathering = Gathering(["tag", "geo"])
    gathering.add(
        7, [ShownRow(2, {"tag": 0.5}, opened=True), ShownRow(1, {"geo": 1.0}, opened=False)]
    )
    gathering.add(3, [ShownRow(200, {"tag": 0.25, "charm": 1.0}, opened=False)])
    found = gathering.examples()
    assert found.at_ms.tolist() == [3, 7]
    assert found.answer.tolist() == [0, 1, 1]
    assert found.values.tolist() == [[0.25, 0.0], [0.0, 1.0], [0.5, 0.0]]
    assert found.position.tolist() == [49, 0, 1]
    assert found.opened.tolist() == [False, False, True]


def test_gathered_blocks_are_one_table() -> None:
    gathering = Gathering(["tag"])
    for number in range(14_000):
        gathering.add_shown(number, np.full((5, 1), number / 14_000), np.array([True] * 5))
    found = gathering.examples()
    assert len(found) == 70_000
    assert found.starts.tolist() == list(range(0, 70_001, 5))
    assert np.all(np.diff(found.values[:, 0]) >= 0)


def test_ndcg_is_1_for_the_order_of_the_openings_and_less_for_another() -> None:
    some = synthetic(100, WORLD, seed=7)
    opened = some.opened.astype(np.float64)
    assert mean_ndcg(some, opened, opened) == pytest.approx(1.0)
    assert mean_ndcg(some, -opened, opened) < 0.8


def test_weights_are_drawn_around_the_learned_ones_the_same_for_one_seed() -> None:
    model = linear_model(sd=0.1)
    draws = [drawn_weights(model.named(), model.factor, seed) for seed in range(2000)]
    assert draws[7] == drawn_weights(model.named(), model.factor, 7)
    geo = np.array([one["geo"] for one in draws])
    assert geo.mean() == pytest.approx(STATIC["geo"], abs=0.01)
    assert geo.std() == pytest.approx(0.1, abs=0.01)


def test_an_opening_counts_as_much_more_as_people_look_less_at_its_rank() -> None:
    some = synthetic(4000, WORLD, seed=8)
    gains = gains_of(fit(some, PRIOR), some)
    usual = [gains[some.opened & (some.position == place)].mean() for place in (0, 4, 9)]
    assert usual[0] == 1.0
    assert 1.1 < usual[1] < usual[2] < 10.0
    assert not gains[~some.opened].any()
