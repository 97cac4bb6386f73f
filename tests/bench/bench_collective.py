"""What all visitors say: what it costs an answer, what the log costs, and how fast it is counted.

Ten thousand items, of which twenty thousand visitors have read thirty each. The
ceiling of an answer is the same answer without statistics, that of a recorded one
the same unrecorded; of counting it is the solution of the one equation behind
EASE, by LAPACK alone.
"""

from collections.abc import Sequence
from itertools import cycle
from time import monotonic, perf_counter

import numpy as np
from prometheus_client import CollectorRegistry

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.open_log import answer_log
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.answer_log.served import Record
from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.readings import ReadingGatherer, Readings
from core.config import CollectiveConfig
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from tests.bench.bench_recommend import made_up_items
from tests.bench.harness import Effort, Repetition, Row, medians, rate, repeated, run_async
from tests.bench.models import basis_of, save_models
from tests.bench.payloads import visitor
from tests.bench.servers import scratch

_ITEMS = 10_000
_VISITORS = 20_000
_READ = 30
_SOLVED = 2000
_EVENTS = 50
_ASKING = 20


def measure(effort: Effort) -> list[Row]:
    """Answers and counting."""
    items, visitors = min(_ITEMS, effort.count(_ITEMS)), min(_VISITORS, effort.count(_VISITORS))
    contents = InMemoryContentStore(made_up_items(items))
    readings = _readings(contents.columns.ids.take(np.arange(items)), visitors)
    config = CollectiveConfig(ease_items=min(items, _SOLVED))
    from_s = perf_counter()
    statistics = build_statistics(
        Counted(readings=readings), list(contents.columns.ids), config, now_ms=clock_ms()
    )
    took_s = perf_counter() - from_s
    collective = Collective(statistics)
    collective.bind(contents.columns)
    with scratch() as folder:
        settings = SharedSettings(log_url=f"{folder}/log")
        rows = run_async(_answers(contents, collective, settings, effort))
    solved_s = _inversion_s(config.ease_items)
    named = f"{items:,} items of {visitors:,} visitors counted | two inversions of {_SOLVED:,}"
    return [*rows, rate(named, items / took_s, items / (2 * solved_s), "items/s")]


async def _answers(
    contents: InMemoryContentStore,
    collective: Collective,
    settings: SharedSettings,
    effort: Effort,
) -> list[Row]:
    models = InMemoryUserModelStore(ttl_s=3600, clock_s=monotonic)
    users = [visitor(number) for number in range(_ASKING)]
    await save_models(users, _EVENTS, contents, models)
    version, whose = basis_of(settings).config_version, cycle(users)

    def asking(known: Collective | None, record: Record | None) -> Repetition:
        recommender = Recommender(
            models, contents, settings.ranking, version, collective=lambda: known
        )

        async def answer() -> None:
            request = RecommendRequest(user_id=next(whose))
            await recommender.recommend(request, now_ms=clock_ms(), record=record)

        return repeated(answer, effort.seconds / 2)

    async with answer_log(settings, CollectorRegistry()) as log:
        record = None if log is None else log("recommend")
        runs = {
            "content": asking(None, None),
            "everybody": asking(collective, None),
            "recorded": asking(collective, record),
        }
        found = await medians(runs, effort.repetitions)
    content, everybody = found["content"].rate, found["everybody"].rate
    return [
        rate("recommend with all signals | content alone", everybody, content, "answers/s"),
        rate("recommend, recorded | not recorded", found["recorded"].rate, everybody, "answers/s"),
    ]


def _readings(ids: Sequence[str], visitors: int) -> Readings:
    """Popular items and their neighbours more often than others."""
    draw, gatherer = np.random.default_rng(1), ReadingGatherer(most=200)
    now_ms = clock_ms()
    for _ in range(visitors):
        about = int(len(ids) * draw.beta(1.0, 3.0))
        near = (about + draw.geometric(0.02, size=_READ)) % len(ids)
        viewed = {ids[row]: now_ms - 60_000 * at for at, row in enumerate(near.tolist())}
        liked = dict.fromkeys(list(viewed)[::2], 0.5)
        gatherer.add(UserSignals(user_id="x", viewed=viewed, positives=liked))
    return gatherer.readings()


def _inversion_s(size: int) -> float:
    draw = np.random.default_rng(2)
    half = draw.normal(size=(size, size)).astype(np.float32)
    matrix = half @ half.T + 500.0 * np.eye(size, dtype=np.float32)
    from_s = perf_counter()
    np.linalg.inv(matrix)
    return perf_counter() - from_s
