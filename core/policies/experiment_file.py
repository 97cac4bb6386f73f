"""The file of experiments: TOML, checked as a whole, every problem named.

[experiments.nearer]
salt = "2026-10"
share = 0.5
variants.as-is = { share = 0.5 }
variants.nearer = { share = 0.5, settings = { RANKING_WEIGHTS_GEO = 0.4 } }
variants.trees = { share = 0.1, shadow = true, ranker = "/etc/ai-engine/trees.json" }
"""

import tomllib
from collections.abc import Iterator, Mapping
from math import isclose
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.config import RankingConfig
from core.environment import load, variables
from core.errors import ConfigError

STATIC = "static"
Name = Annotated[str, Meta(pattern="^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")]
"""It becomes a label of metrics."""
_Part = Annotated[float, Meta(gt=0.0, le=1.0)]
_Setting = str | int | float | list[str]


class WrittenVariant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variant. `settings` are those of the ranking, by their variables' names.

    `ranker` is the path of an artifact, or `static`; empty: that of everybody.
    """

    share: _Part
    settings: Mapping[str, _Setting] = {}
    ranker: str = ""
    shadow: bool = False


class WrittenExperiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One experiment."""

    salt: str
    share: _Part = 1.0
    variants: Mapping[Name, WrittenVariant]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    experiments: Mapping[Name, WrittenExperiment] = {}


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    ranking: RankingConfig = RankingConfig()


def read_experiments(content: bytes) -> Mapping[str, WrittenExperiment]:
    """The experiments by their names. Raises: ConfigError naming everything that is wrong."""
    try:
        written = msgspec.convert(tomllib.loads(content.decode()), _File).experiments
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise ConfigError(str(exc)) from None
    problems = [problem for name, one in written.items() for problem in _problems(name, one)]
    if sum(one.share for one in written.values()) > 1.0 + 1e-9:
        problems.append("the shares of all experiments are more than everybody")
    if problems:
        raise ConfigError("; ".join(problems))
    return written


def with_settings(config: RankingConfig, settings: Mapping[str, _Setting]) -> RankingConfig:
    """The ranking's settings with some of them set otherwise.

    Raises: ConfigError naming every bad one.
    """
    if not settings:
        return config
    values = {name: str(value) for name, value in _flat("RANKING", config)}
    values |= {name: _text(value) for name, value in settings.items()}
    known = {name for name, _ in variables(_Settings)}
    if unknown := sorted(set(settings) - known):
        raise ConfigError(f"{', '.join(unknown)}: no such setting of the ranking")
    return load(_Settings, values).ranking


def _problems(name: str, one: WrittenExperiment) -> Iterator[str]:
    shown = [variant.share for variant in one.variants.values() if not variant.shadow]
    if not isclose(sum(shown), 1.0, abs_tol=1e-6):
        yield f"experiments.{name}: the shares of the variants that are shown must add up to 1"


def _flat(path: str, section: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Every setting by its variable's name."""
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        name = f"{path}_{field.name.upper()}"
        if isinstance(value, msgspec.Struct):
            yield from _flat(name, value)
        else:
            yield name, ",".join(value) if isinstance(value, tuple) else value


def _text(value: _Setting) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
