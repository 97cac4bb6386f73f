"""The ways the engine is asked to rank: its defaults, what was learned, and parts alone."""

from collections.abc import Mapping

import msgspec

from core.config import CovisitConfig, RankingConfig, ScorerWeights
from core.learning.model import LinearModel

STATIC = "static"
LEARNED = "learned"
CONTENT = "content"
POPULAR = "popularity alone"
COVISIT = "covisit alone"
CONTENT_POPULAR = "content + popularity"
_CONTENT = ("semantic", "affinity", "tag", "recency", "aversion")
_COVISIT = ("covisit", "coview", "next", "common")
_NO_EVIDENCE = 1e9
"""So that popularity does not make way for what is left out."""


def static() -> RankingConfig:
    """The defaults."""
    return RankingConfig()


def learned(model: LinearModel) -> RankingConfig:
    """The defaults with learned weights."""
    weights = msgspec.structs.replace(ScorerWeights(), **model.named())
    return RankingConfig(weights=weights)


def alone() -> Mapping[str, RankingConfig]:
    """Parts of the static weights."""
    unsupported = CovisitConfig(evidence=_NO_EVIDENCE)
    return {
        CONTENT: _only(*_CONTENT),
        POPULAR: msgspec.structs.replace(_only("popularity"), covisit=unsupported),
        COVISIT: _only(*_COVISIT),
        CONTENT_POPULAR: msgspec.structs.replace(
            _only(*_CONTENT, "popularity"), covisit=unsupported
        ),
    }


def _only(*names: str) -> RankingConfig:
    default = ScorerWeights()
    kept = {name: getattr(default, name) for name in names}
    nothing = dict.fromkeys(ScorerWeights.__struct_fields__, 0.0)
    return RankingConfig(weights=ScorerWeights(**(nothing | kept)))
