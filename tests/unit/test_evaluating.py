"""Offline estimates in a world where every policy's worth is known."""

import msgspec
import numpy as np
import pytest

from core.config import RankingConfig
from core.evaluating.cascade import logged_choices
from core.evaluating.estimators import Estimate, Interval, estimate
from core.evaluating.explored import ExploredSlate
from core.evaluating.propensities import draw_places, logged_propensities
from core.evaluating.rewards import crossed_rewards
from core.evaluating.verdict import LEAST_SLATES, verdict_of
from core.evaluating.weighing import Weigher, tables
from core.ranking.context import Exploration
from core.ranking.exploring import perturbed
from core.ranking.mmr import Diversified
from core.vectors import Floats
from tests.trial import FEATURES, POLICIES, STATIC, World

CONFIG = RankingConfig(mmr_pool=8)


def estimates(world: World) -> dict[str, tuple[Estimate, ...]]:
    log, random = list(world.log()), np.random.default_rng(world.seed)
    weigher = Weigher([world.target(name) for name in POLICIES], random)
    made = tables(log, weigher, crossed_rewards(log, FEATURES, STATIC))
    return estimate(made, "static", random)


def served(slate: ExploredSlate, seed: int, config: RankingConfig = CONFIG) -> list[int]:
    """The list that an answer of this seed would have had."""
    exploration = Exploration(kind="gumbel", seed=seed, temperature=slate.temperature)
    total = perturbed(slate.scores, exploration)
    order = np.argsort(-total, kind="stable")
    assert slate.vectors is not None
    handed = Diversified(order, total, slate.vectors[order[: config.mmr_pool]], config).hand_out()
    return [next(handed) for _ in slate.shown]


@pytest.mark.parametrize("mmr", ["rescaled", "classic"])
def test_propensities_are_how_often_answers_come_out_so(mmr: str) -> None:
    config = msgspec.convert({"mmr": mmr, "mmr_pool": 8}, RankingConfig)
    [slate] = World(slates=1, seed=3, config=config).log()
    draws = 4000
    counts = np.zeros((len(slate.shown), len(slate.scores)))
    for seed in range(draws):
        counts[range(len(slate.shown)), served(slate, seed, config)] += 1
    found = logged_propensities(slate, np.random.default_rng(1), draws)
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert np.abs(found - counts / draws).max() < 0.04  # four standard deviations of a half
    assert np.abs(found - counts / draws).mean() < 0.004


def test_without_noise_it_is_the_ranking_itself() -> None:
    for slate in World(slates=5, seed=4).log():
        quiet = msgspec.structs.replace(slate, temperature=1e-9)
        random = np.random.default_rng(0)
        [made] = draw_places(slate.scores, 0.0, slate.vectors, CONFIG, 6, random, 1)
        assert made.tolist() == served(quiet, 1)


def test_without_mmr_a_slate_is_as_likely_as_its_choices_one_by_one() -> None:
    config = RankingConfig(relevance=1.0)
    [slate] = World(slates=1, seed=5, config=config).log()
    made = draw_places(slate.scores, 0.1, None, config, 2, np.random.default_rng(2), draws=40_000)
    same = (made == slate.shown[:2]).all(axis=1).mean()
    likely = float(np.exp(logged_choices(slate)[:2].sum()))
    assert abs(same - likely) < 4 * np.sqrt(likely / 40_000)


def test_doubly_robust_orders_the_policies_rightly_and_is_as_sure_as_it_says() -> None:
    within = 0
    for seed in range(6):
        world = World(slates=500, seed=seed, temperature=0.3)
        found = estimates(world)
        truth = {name: world.truth(name) for name in POLICIES}
        value = {name: own[0].earns.value for name, own in found.items()}
        assert sorted(value, key=value.__getitem__) == ["bad", "static", "good"]
        assert sorted(truth, key=truth.__getitem__) == ["bad", "static", "good"]
        assert found["good"][0].more.low > 0
        assert found["static"][0].more == Interval(value=0.0, low=0.0, high=0.0)
        within += sum(
            own[0].earns.low <= truth[name] <= own[0].earns.high for name, own in found.items()
        )
    assert within >= 14, "of 18 intervals of 95 %"


def test_a_reward_model_that_is_wrong_is_corrected() -> None:
    world = World(slates=1500, seed=9, temperature=0.4)

    def nonsense(values: Floats, place: int) -> Floats:
        return np.full(len(values), 0.9 - 0.1 * place)

    random = np.random.default_rng(1)
    made = tables(world.log(), Weigher([world.target("static")], random), lambda _: nonsense)
    expected = float(made["static"].direct.sum(axis=1).mean())
    [doubly, _, _] = estimate(made, "static", random)["static"]
    truth = world.truth("static")
    assert abs(expected - truth) > 1
    assert abs(doubly.earns.value - truth) < 0.5


def found_of(low: float, high: float, effective: float = 5000.0) -> Estimate:
    span = Interval(value=(low + high) / 2, low=low, high=high)
    return Estimate(method="dr", earns=span, more=span, effective_slates=effective)


@pytest.mark.parametrize(
    ("low", "high", "finding"), [(0.1, 0.2, "better"), (-0.2, -0.1, "worse"), (-0.1, 0.1, "alike")]
)
def test_a_verdict_says_what_the_interval_says(low: float, high: float, finding: str) -> None:
    found = verdict_of(
        "new", "static", found_of(low, high), explored=LEAST_SLATES, answers=LEAST_SLATES
    )
    assert found.finding == finding


@pytest.mark.parametrize(
    ("explored", "effective", "reason"),
    [
        (0, 0.0, "of 90000 answers none was explored"),
        (LEAST_SLATES - 1, 5000.0, "9999 answers were explored, and it takes 10000"),
        (LEAST_SLATES, 12.0, "as good as 12 lists"),
    ],
)
def test_without_enough_that_was_explored_there_is_no_verdict_and_it_says_so(
    explored: int, effective: float, reason: str
) -> None:
    found = verdict_of(
        "new", "static", found_of(0.1, 0.2, effective), explored=explored, answers=90_000
    )
    assert found.finding == "none"
    assert reason in found.sentence
