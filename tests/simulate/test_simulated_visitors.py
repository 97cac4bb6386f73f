"""The simulator: its click models keep what they promise, and the service learns from it."""

from pathlib import Path

import numpy as np
import pytest

from deploy.simulate.clicks import CLICK_MODELS
from deploy.simulate.outcome import arm_round
from deploy.simulate.run import Plan, simulate
from deploy.simulate.visits import Shown
from deploy.simulate.world import World, chances
from deploy.valkey import valkey_binary

_RANKED = ("static", "learned")


@pytest.mark.parametrize("name", ["position", "cascade"])
def test_a_list_earns_what_its_clicks_are_in_the_mean(name: str) -> None:
    model, draw = CLICK_MODELS[name], np.random.default_rng(1)  # type: ignore[index]
    some = np.array([0.5, 0.05, 0.3, 0.2])
    clicks = [len(model.clicks(some, draw)) for _ in range(20_000)]
    assert np.mean(clicks) == pytest.approx(model.expected(some), abs=0.02)


@pytest.mark.parametrize("name", ["position", "cascade"])
def test_the_best_order_begins_with_the_likeliest(name: str) -> None:
    model = CLICK_MODELS[name]  # type: ignore[index]
    some = np.array([0.1, 0.5, 0.3])
    best = model.expected(np.sort(some)[::-1])
    assert best > model.expected(some) > model.expected(np.sort(some))


def test_the_same_seed_gives_the_same_museum_and_the_same_people(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        world = World(items=50, seed=7)
        world.write_catalogue(tmp_path / name)
        files.append((tmp_path / name).read_bytes())
        likes = world.visitor("v").likes
    assert files[0] == files[1]
    np.testing.assert_array_equal(likes, World(items=50, seed=7).visitor("v").likes)


def test_who_is_tired_opens_less() -> None:
    world = World(items=50, seed=7)
    visitor, rows = world.visitor("v"), np.arange(50)
    assert (chances(visitor, rows, 1.0) < chances(visitor, rows, 0.0)).all()


def test_an_interval_is_over_visitors_and_not_over_their_lists() -> None:
    def shown(user: str, earns: float) -> Shown:
        return Shown(user_id=user, arm="a", is_explored=False, earns=earns, best=2.0, opened=0)

    few = arm_round("a", 1, [shown("u", 0.0)] * 500 + [shown("v", 1.0)] * 500)
    assert (few.low, few.high) == (0.0, 0.5)
    assert few.share == 0.25
    assert few.regret == 1.5


@pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")
def test_what_visitors_do_makes_their_lists_better_than_chance(tmp_path: Path) -> None:
    plan = Plan(visitors=100, rounds=2, items=200, seed=3)
    outcome = simulate(plan, tmp_path, lambda _: None)
    arms = outcome.last()
    assert set(arms) == {"random", "popular", "static", "learned"}
    for better in ("static", "learned"):
        assert arms[better].low > arms["random"].high, outcome.curve
    assert arms["popular"].share > arms["random"].share
    # Before there is anything to learn from, both are the static ranking.
    first, last = (
        sum(one.share for one in outcome.curve if one.round == number and one.arm in _RANKED)
        for number in (1, 2)
    )
    assert last > first, "it has learned from the first visitors"
