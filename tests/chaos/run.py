"""One chaos run, from the first process to the verdict."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import msgspec

from adapters.redis.connection import connect
from core.log_names import BATCH_FAILED, CONSUMER_REVIVED, ENTRIES_CLAIMED, USERS_REFRESHED
from tests.bench.payloads import item_ids
from tests.chaos.audience import Audience
from tests.chaos.erasures import Erasures
from tests.chaos.evidence import find, has_come_to_rest
from tests.chaos.faults import Faults
from tests.chaos.ledger import Ledger, users_of
from tests.chaos.load import Load
from tests.chaos.plan import Plan, draw_plan
from tests.chaos.reader import Reader
from tests.chaos.sender import Sender
from tests.chaos.stack import SHARDS, Stack
from tests.chaos.verdict import Verdict, defaults, judge

_READY_WITHIN_S = 40.0
_ANSWERED_WITHIN_S = 30.0
_AT_REST_WITHIN_S = 30.0
_CALM_AT_END_S = 1.0
_LOOK_EVERY_S = 0.05
_REQUESTS_PER_S = 70.0
_RECOVERIES = (ENTRIES_CLAIMED, CONSUMER_REVIVED, BATCH_FAILED, USERS_REFRESHED)

Say = Callable[[str], None]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a run. `counts` are faults and recoveries by kind."""

    seed: int
    plan: Plan
    counts: dict[str, int]
    verdict: Verdict
    problems: tuple[str, ...]
    """What went wrong besides the comparison: a crash, a refused request, no rest."""

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict.is_clean and not self.problems


def run_chaos(seed: int, *, seconds: float, folder: Path, say: Say) -> Report:
    """Start everything in `folder`, run the plan of the seed under load, and compare."""
    plan = draw_plan(seed, seconds=seconds, shards=SHARDS)
    say(f"seed {seed}, {seconds:.0f} s, the faults:")
    for fault in (*plan.storm, *plan.finale):
        say(f"  {fault}")
    with Stack(folder) as stack:
        return asyncio.run(_Run(stack, seed, say).report(plan, seconds))


class _Run:
    """The parts of a run; they live in one event loop."""

    def __init__(self, stack: Stack, seed: int, say: Say) -> None:
        self._stack = stack
        self._seed = seed
        self._say = say
        self._ledger = Ledger()
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []

    async def report(self, plan: Plan, seconds: float) -> Report:
        await self._until_ready()
        await self._under_load(plan, seconds)
        self._problems += [f"{name} has ended by itself" for name in self._stack.ended()]
        self._problems += self._ledger.refused
        verdict = await self._compare()
        self._counts |= Counter({name: self._stack.logged(name) for name in _RECOVERIES})
        self._counts |= Counter(
            {f"sent again: {how}": n for how, n in self._ledger.failures.items()}
        )
        return Report(
            seed=self._seed,
            plan=plan,
            counts=dict(sorted(self._counts.items())),
            verdict=verdict,
            problems=tuple(self._problems),
        )

    async def _until_ready(self) -> None:
        async with asyncio.timeout(_READY_WITHIN_S):
            while not self._stack.is_ready():  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _under_load(self, plan: Plan, seconds: float) -> None:
        stack, seed, stopping = self._stack, self._seed, asyncio.Event()
        audience = Audience(seed, await item_ids(defaults()[0]))
        reader = Reader(stack.serve_url, audience)
        async with Sender(stack.ingest_url, self._ledger, seed) as sender:
            load = Load(sender, audience, seed=seed, requests_per_s=_REQUESTS_PER_S)
            erasures = Erasures(stack.ingest_url, sender, audience, self._ledger, seed=seed)
            faults = Faults(
                stack, audience, flood=load.flood, say=lambda line: self._say(f"now {line}")
            )
            ends_s = asyncio.get_running_loop().time() + seconds
            async with asyncio.TaskGroup() as tasks:
                loading = tasks.create_task(load.run(stopping))
                tasks.create_task(reader.run(stopping))
                tasks.create_task(erasures.run(stopping))
                await faults.run(plan)
                calm_s = ends_s - asyncio.get_running_loop().time()
                await asyncio.sleep(max(_CALM_AT_END_S, calm_s))
                stopping.set()
                await asyncio.wait([loading], timeout=_ANSWERED_WITHIN_S)
                if not loading.done():
                    self._problems.append("requests were not answered with 200 after the faults")
                    loading.cancel()
        self._problems += [*reader.problems, *erasures.problems]
        self._counts = faults.done + load.injected + erasures.done

    async def _compare(self) -> Verdict:
        self._say("waiting until nothing is pending and nobody is due")
        async with aclosing(connect(self._stack.server.url)) as client:
            if not await has_come_to_rest(client, within_s=_AT_REST_WITHIN_S):
                self._problems.append(f"not at rest {_AT_REST_WITHIN_S:.0f} s after the faults")
            traces = list(self._ledger.traces())
            users = {user for _, left in traces for trace in left for user in users_of(trace)}
            erased = self._ledger.erased_ids
            found = await find(client, users, erased)
        return await judge(
            traces,
            found,
            duplicates=self._ledger.sent_again,
            erased=erased,
            perhaps_erased=self._ledger.perhaps_erased(one for _, left in traces for one in left),
        )
