"""Grows trees with LightGBM's LambdaMART, which `pip install ai-engine[trees]` brings.

Only the training needs it: what it grows is walked in numpy. Its own correction for
positions is used, as intercepts are in the linear fit.
Source: C. Burges, "From RankNet to LambdaRank to LambdaMART", 2010.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.learning.examples import Examples
from core.learning.trees import Tree

_TREES = 60
_SETTINGS: Mapping[str, Any] = {
    "objective": "lambdarank",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 200,
    # Of people who open a lot there are few: their lists must not be all that is learned.
    "lambdarank_truncation_level": 20,
    "use_missing": False,
    "deterministic": True,
    # Threads that wait for one another on busy cores took thirty times as long as one.
    "num_threads": 1,
    "force_row_wise": True,
    "seed": 1,
    "verbosity": -1,
}


def grow_trees(examples: Examples, signs: Sequence[int]) -> Sequence[Tree]:
    """LambdaMART trees, monotone as `signs` say. Raises: ConfigError without LightGBM."""
    try:
        import lightgbm  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError("--kind trees needs LightGBM: pip install 'ai-engine[trees]'") from None
    sizes = np.diff(examples.starts)
    data = lightgbm.Dataset(
        examples.values,
        label=examples.opened.astype(np.int8),
        group=sizes[sizes > 0],
        position=examples.position,
        params=dict(_SETTINGS),
    )
    grown = lightgbm.train({**_SETTINGS, "monotone_constraints": list(signs)}, data, _TREES)
    return [_tree(one["tree_structure"]) for one in grown.dump_model()["tree_info"]]


def _tree(root: Mapping[str, Any]) -> Tree:
    """In arrays, parents before their children."""
    nodes = [node for node in _walk(root) if "leaf_value" not in node]
    leaves = [node for node in _walk(root) if "leaf_value" in node]
    number = {id(node): at for at, node in enumerate(nodes)}
    number |= {id(node): -1 - at for at, node in enumerate(leaves)}
    return Tree(
        feature=tuple(node["split_feature"] for node in nodes),
        threshold=tuple(node["threshold"] for node in nodes),
        left=tuple(number[id(node["left_child"])] for node in nodes),
        right=tuple(number[id(node["right_child"])] for node in nodes),
        inner=tuple(node["internal_value"] for node in nodes),
        leaf=tuple(node["leaf_value"] for node in leaves),
    )


def _walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for side in ("left_child", "right_child"):
        if side in node:
            yield from _walk(node[side])
