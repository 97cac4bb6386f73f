"""Opens what people are answered by: the settings, RANKER_FILE followed, EXPERIMENTS_FILE."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry

from adapters.rankers.metrics import RankerMetrics
from adapters.rankers.watched import WatchedRanker, model_of
from adapters.settings import SharedSettings
from core.errors import ConfigError, RejectedError
from core.learning.model import Model
from core.policies.experiment_file import STATIC, WrittenExperiment, read_experiments
from core.policies.policies import Policies
from core.policies.policy import Policy

T = TypeVar("T")


@asynccontextmanager
async def opened_policies(
    settings: SharedSettings, config_version: str, registry: CollectorRegistry
) -> AsyncIterator[Policies]:
    """The policies, a learned ranker taking over whenever its file changes.

    Raises: ConfigError where the experiments cannot be run as they are written.
    """
    policies = read_policies(settings, config_version)
    if not settings.ranker_file:
        yield policies
        return
    ranker = WatchedRanker(Path(settings.ranker_file), policies.use, RankerMetrics(registry))
    following = asyncio.create_task(ranker.run())
    try:
        yield policies
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def read_policies(settings: SharedSettings, config_version: str) -> Policies:
    """The static policy and the experiments.

    Raises: ConfigError where the experiments cannot be run as they are written, or
        there is nothing to draw weights from.
    """
    exploration = settings.exploration
    has_models = settings.ranker_file or settings.experiments_file
    if exploration.share and exploration.kind == "thompson" and not has_models:
        raise ConfigError("EXPLORATION_KIND=thompson draws what was learned: set RANKER_FILE, too")
    static = Policy(config=settings.ranking, config_version=config_version, exploration=exploration)
    if not settings.experiments_file:
        return Policies(static)
    path = Path(settings.experiments_file)
    try:
        experiments = _read(path, read_experiments)
        return Policies(static, experiments, _models(experiments))
    except ConfigError as exc:
        raise ConfigError(f"EXPERIMENTS_FILE={str(path)!r}: {exc}") from None


def _models(experiments: Mapping[str, WrittenExperiment]) -> Mapping[str, Model]:
    """Those that variants name. They stay what they are: an experiment is about one of them."""
    paths = {
        variant.ranker
        for experiment in experiments.values()
        for variant in experiment.variants.values()
        if variant.ranker not in ("", STATIC)
    }
    return {path: _read(Path(path), model_of) for path in sorted(paths)}


def _read(path: Path, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(path.read_bytes())
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    except RejectedError as exc:
        raise ConfigError(f"{path}: {exc}") from None
