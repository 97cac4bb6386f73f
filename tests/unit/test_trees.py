"""Trees grown by LightGBM and walked in numpy."""

import lightgbm
import msgspec
import numpy as np
import pytest

from adapters.rankers.lightgbm import _tree, grow_trees
from core.learning.artifact import decode, encode
from core.learning.boosting import train_trees
from core.learning.examples import Examples
from core.learning.forest import Forest
from core.learning.model import TreesModel
from core.learning.training import Versions, train_linear
from core.policies.policy import SCORERS
from core.ranking.fusion import MICRO
from tests.learned import STATIC, TRAINING, synthetic

GEO, TAG = SCORERS.index("geo"), SCORERS.index("tag")


@pytest.fixture(scope="module")
def examples() -> Examples:
    """What is near is opened only where it is about the right thing: no sum says that."""
    some = synthetic(2000, STATIC, seed=11)
    random = np.random.default_rng(11)
    both = (some.values[:, GEO] > 0.6) & (some.values[:, TAG] > 0.6)
    chance = np.where(both, 0.7, 0.05) / (1.0 + 0.1 * some.position)
    return msgspec.structs.replace(some, opened=random.random(len(some)) < chance)


@pytest.fixture(scope="module")
def model(examples: Examples) -> TreesModel:
    return train_trees(examples, STATIC, Versions(), grow_trees)


def test_trees_learn_what_no_weights_can_say(examples: Examples, model: TreesModel) -> None:
    linear = train_linear(examples, STATIC, Versions()).training.metrics
    trees = model.training.metrics
    assert linear is not None
    assert trees is not None
    assert trees.learned.ndcg > linear.learned.ndcg > trees.static.ndcg
    assert trees.learned.log_loss < linear.learned.log_loss < trees.static.log_loss


def test_what_is_served_says_what_the_library_says() -> None:
    random = np.random.default_rng(3)
    values = random.random((4000, 3))
    opened = random.random(4000) < values[:, 0] * values[:, 1]
    data = lightgbm.Dataset(values, label=opened, params={"verbosity": -1, "num_threads": 1})
    settings = {"objective": "binary", "boost_from_average": False, "verbosity": -1}
    settings |= {"num_threads": 1}
    grown = lightgbm.train(settings, data, 20)
    trees = [_tree(one["tree_structure"]) for one in grown.dump_model()["tree_info"]]
    assert all(tree.wrong(3) is None for tree in trees)
    rows = random.random((500, 3))
    found = Forest(
        TreesModel(features=("a", "b", "c"), trees=tuple(trees), training=TRAINING)
    ).fuse(dict(zip("abc", rows.T, strict=True)), 500)
    library = np.asarray(grown.predict(rows, raw_score=True, num_threads=1))
    assert found.total / MICRO == pytest.approx(library, abs=1e-4)
    assert sum(found.parts.values()).tolist() == found.total.tolist()  # type: ignore[union-attr]


def test_trees_push_no_score_against_its_static_weight(model: TreesModel) -> None:
    forest = Forest(model)
    steps = np.linspace(0.0, 1.0, 60)
    for name, weight in STATIC.items():
        values = {other: np.full(60, 0.5) for other in SCORERS} | {name: steps}
        change = np.diff(forest.fuse(values, 60).total)
        # Leaves are rounded one by one.
        assert (change >= -60).all() if weight >= 0 else (change <= 60).all(), name


def test_scores_are_spread_as_the_static_ones_and_an_artifact_holds_them(
    examples: Examples, model: TreesModel
) -> None:
    forest = Forest(model)
    values = dict(zip(SCORERS, examples.values.astype(np.float64).T, strict=True))
    trees = forest.fuse(values, len(examples)).total.reshape(-1, 10) / MICRO
    static = (examples.values @ np.array(list(STATIC.values()))).reshape(-1, 10)
    spread = [np.std(one - one.mean(axis=1, keepdims=True)) for one in (trees, static)]
    assert spread[0] == pytest.approx(spread[1], rel=1e-3)
    assert decode(encode(model), SCORERS) == model
