"""One run of the whole protocol, in two processes of its own."""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import msgspec
import numpy as np

from core.learning.model import LinearModel
from tests.quality import scarcity, targets, tuning, ways
from tests.quality.arrivals import Arrivals, arrive
from tests.quality.dataset import Dataset, load
from tests.quality.engine import Engine, EngineConfig
from tests.quality.lessons import learn
from tests.quality.metrics import Figures, Lists, figures
from tests.quality.questions import VISIT_MS, Question, questions
from tests.quality.replay import replay
from tests.quality.targets import Target

_WORKERS = 2
_LEARNED_EVERY = 3
"""Five thousand answers: of three times as many nothing else is learned."""
Say = Callable[[str], None]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured. `scarce` by the sample, then the way: NDCG@10."""

    tuned: tuning.Tuned
    weights: Mapping[str, float]
    within_visit: Mapping[str, Figures]
    next_visit: Mapping[str, Figures]
    scarce: Mapping[str, Mapping[str, float]]
    targets: tuple[Target, ...]


def measure(wheel: Path, say: Say) -> Outcome:
    """Tune, learn, ask, compare."""
    with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn")) as pool:
        say("tuning the baselines, learning weights, and asking with samples")
        tuned = pool.submit(_tune, wheel)
        model = pool.submit(_learn, wheel)
        arrivals = pool.submit(_arrivals, wheel)
        scarce = {one: pool.submit(_sample, wheel, one) for one in scarcity.samples()}
        settings, learned = tuned.result(), model.result()
        asked = {
            older: (
                pool.submit(_baselines, wheel, older, settings),
                pool.submit(_engine, wheel, older, learned),
            )
            for older in (0, VISIT_MS)
        }
        samples = {}
        for sample, found in scarce.items():
            samples[sample] = found.result()
            say(f"asked with {sample.share:.0%} of the {sample.of}, seed {sample.seed}")
        within, later = (
            {name: lists for part in asked[older] for name, lists in part.result().items()}
            for older in (0, VISIT_MS)
        )
        arrived = arrivals.result()
    outcome = _outcome(wheel, settings, learned, within, later, samples)
    return msgspec.structs.replace(
        outcome, targets=(*outcome.targets, *targets.with_new_items(arrived))
    )


def _outcome(
    wheel: Path,
    tuned: tuning.Tuned,
    model: LinearModel,
    within: Mapping[str, Lists],
    later: Mapping[str, Lists],
    samples: Mapping[scarcity.Sample, Mapping[str, Lists]],
) -> Outcome:
    vectors = np.stack([film.vector for film in _dataset(wheel).films])
    shown = {name: figures(lists, vectors) for name, lists in within.items()}
    return Outcome(
        tuned=tuned,
        weights=model.named(),
        within_visit=shown,
        next_visit={name: figures(lists, vectors) for name, lists in later.items()},
        scarce={
            f"{one.share:.0%} of {one.of}, seed {one.seed}": {
                name: float(lists.gains.mean()) for name, lists in answered.items()
            }
            for one, answered in samples.items()
        },
        targets=(
            *targets.within_visit(within, shown),
            *targets.next_visit(later),
            *targets.with_little(samples),
        ),
    )


@lru_cache(maxsize=1)
def _dataset(wheel: Path) -> Dataset:
    return load(wheel)


def _asked(dataset: Dataset, older_than_ms: int) -> list[Question]:
    return list(questions(dataset.ratings, *tuning.TEST, older_than_ms=older_than_ms))


def _tune(wheel: Path) -> tuning.Tuned:
    return tuning.tune(_dataset(wheel))


def _learn(wheel: Path) -> LinearModel:
    return learn(_dataset(wheel), EngineConfig(), *tuning.FIT, every=_LEARNED_EVERY)


def _sample(wheel: Path, sample: scarcity.Sample) -> Mapping[str, Lists]:
    return scarcity.ask_sample(_dataset(wheel), sample)


def _arrivals(wheel: Path) -> Arrivals:
    dataset = _dataset(wheel)
    return arrive(dataset, _asked(dataset, 0), EngineConfig())


def _baselines(wheel: Path, older_than_ms: int, tuned: tuning.Tuned) -> Mapping[str, Lists]:
    dataset = _dataset(wheel)
    return tuning.ask_baselines(dataset, tuned, _asked(dataset, older_than_ms))


def _engine(wheel: Path, older_than_ms: int, model: LinearModel) -> Mapping[str, Lists]:
    dataset = _dataset(wheel)
    alone = ways.alone()
    every = {
        ways.STATIC: ways.static(),
        ways.LEARNED: ways.learned(model),
        ways.CONTENT: alone[ways.CONTENT],
        ways.CONTENT_POPULAR: alone[ways.CONTENT_POPULAR],
    }
    with Engine(dataset, every, EngineConfig()) as engine:
        return replay(engine, _asked(dataset, older_than_ms))
