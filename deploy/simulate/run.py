"""The whole simulation: rounds of fresh visitors, and after each round what it taught."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from core.learning.artifact import encode
from core.learning.model import LinearModel, Training, Window
from core.policies.policy import SCORERS
from deploy.local import LocalStack
from deploy.simulate.clicks import CLICK_MODELS, ClickModelName
from deploy.simulate.outcome import Outcome, curve_of
from deploy.simulate.service import Service
from deploy.simulate.visits import Shown, Visit
from deploy.simulate.world import World
from deploy.valkey import free_port

_AT_ONCE = 6
_DAY_MS = 86_400_000
_VISITS, _LISTS = 3, 4
_SETTLE_S = 2.0
"""Until models, statistics and the log have followed a round."""
_POLICIES = {"learned": "ranker.json", "popular": "popular.json"}
_NONE = (
    "SEMANTIC AFFINITY TAG RECENCY AVERSION GEO FATIGUE COVISIT COVIEW NEXT COMMON QUALITY NOVELTY"
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How large it is. `explored` is the share of lists whose order is drawn."""

    visitors: int = 400
    rounds: int = 4
    items: int = 300
    seed: int = 1
    click_model: ClickModelName = "position"
    explored: float = 0.3
    evaluates: bool = False
    """Whether the policies are estimated from the log, too, beside what they earned."""


def simulate(plan: Plan, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Run it over processes of its own, in `folder`. Raises: RuntimeError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    world = World(items=plan.items, seed=plan.seed)
    world.write_catalogue(folder / "catalogue.jsonl")
    (folder / "experiments.toml").write_text(_experiments())
    stack = LocalStack(
        folder / "stack",
        ingest_port=free_port(),
        serve_port=free_port(),
        environ=_environ(plan, folder),
    )
    with stack, ThreadPoolExecutor(_AT_ONCE) as pool:
        service = Service(ingest_url=stack.ingest_url, serve_url=stack.serve_url)
        with closing(service):
            rounds = list(_rounds(plan, world, _Meeting(service, pool), folder, say))
    offline = _offline(folder, say) if plan.evaluates else {}
    return Outcome(curve=curve_of(rounds), offline=offline)


def _rounds(
    plan: Plan, world: World, meeting: "_Meeting", folder: Path, say: Callable[[str], None]
) -> Iterator[list[Shown]]:
    model, now_ms = CLICK_MODELS[plan.click_model], round(time.time() * 1000)
    for number in range(plan.rounds):
        visitors = [world.visitor(f"v{number}-{one}-{plan.seed}") for one in range(plan.visitors)]
        begins_ms = now_ms - (plan.rounds - number) * (_VISITS + 1) * _DAY_MS
        shown: list[Shown] = []
        opened: dict[str, set[int]] = {one.user_id: set() for one in visitors}
        for visit in range(_VISITS):
            at_ms = begins_ms + visit * _DAY_MS
            visits = [
                Visit(world, one, model, at_ms=at_ms, seed=_seed(plan, number, visit, place))
                for place, one in enumerate(visitors)
            ]
            for _ in range(_LISTS):
                shown += meeting.of(visits, opened)
        say(f"round {number + 1} of {plan.rounds}: {len(shown)} lists")
        yield shown
        time.sleep(_SETTLE_S)
        if number + 1 < plan.rounds:
            _train(folder, say)


class _Meeting(msgspec.Struct, frozen=True):
    """Visitors meet the service, a few at a time."""

    service: Service
    pool: ThreadPoolExecutor

    def of(self, visits: Sequence[Visit], opened: dict[str, set[int]]) -> list[Shown]:
        """One list each: by the time that somebody's next one comes, the model has followed."""

        def look(one: Visit) -> Shown:
            return one.look(self.service, opened[one.visitor.user_id])

        return list(self.pool.map(look, visits))


def _train(folder: Path, say: Callable[[str], None]) -> None:
    """The read API follows the file."""
    log, ranker = str(folder / "log"), str(folder / _POLICIES["learned"])
    say(_command("train", "--log", log, "--days", "30", "--out", ranker).rstrip())
    time.sleep(_SETTLE_S)


def _offline(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    """What the log says of the same policies: openings a list by `ai-engine evaluate`."""
    (folder / "popular.json").write_bytes(encode(_popular()))
    named = [f"{name}={folder / file}" for name, file in _POLICIES.items()]
    report = _command(
        "evaluate",
        *("--log", str(folder / "log"), "--days", "30", "--json"),
        *(part for one in named for part in ("--policy", one)),
    )
    found: dict[str, Any] = msgspec.json.decode(report)
    say(f"{found['weighed']} drawn lists were weighed")
    return {one["name"]: one["estimates"][0]["earns"]["value"] for one in found["policies"]}


def _popular() -> LinearModel:
    """Popularity alone, as if it had been learned."""
    weights = tuple(float(name == "popularity") for name in SCORERS)
    nothing = tuple(tuple(0.0 for _ in range(row + 1)) for row in range(len(SCORERS)))
    return LinearModel(
        features=SCORERS,
        weights=weights,
        prior=weights,
        factor=nothing,
        training=Training(window=Window(from_ms=0, to_ms=0), rows=0, answers=0),
    )


def _command(*arguments: str) -> str:
    """As an operator would, by the command. Raises: RuntimeError."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "deploy.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _environ(plan: Plan, folder: Path) -> dict[str, str]:
    """Of the settings outside nothing counts but where programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {
        "CATALOGUE": str(folder / "catalogue.jsonl"),
        "LOG_URL": str(folder / "log"),
        "LOG_ROTATE_S": "1",
        "POPULARITY_EVERY_S": "2",
        "EXPERIMENTS_FILE": str(folder / "experiments.toml"),
        "RANKER_FILE": str(folder / "ranker.json"),
        "EXPLORATION_SHARE": str(plan.explored),
        "WORKER_DEBOUNCE_MS": "50",
        "LOG_FORMAT": "json",
    }


def _experiments() -> str:
    """Every visitor is answered by one arm."""
    weights = {f"RANKING_WEIGHTS_{name}": 0.0 for name in _NONE.split()}
    nothing = weights | {"RANKING_WEIGHTS_POPULARITY": 0.0, "RANKING_CANDIDATES_SAMPLE": 10}
    arms: dict[str, Any] = {
        "random": nothing | {f"RANKING_CANDIDATES_{one}": 1 for one in ("VECTOR", "TAGS", "LIKED")},
        "popular": weights | {"RANKING_WEIGHTS_POPULARITY": 1.0, "RANKING_CANDIDATES_LIKED": 100},
    }
    lines = ["[experiments.arms]", 'salt = "arms"']
    for name in ("random", "popular", "static", "learned"):
        lines += [f"[experiments.arms.variants.{name}]", "share = 0.25"]
        if name != "learned":
            lines.append('ranker = "static"')
        if name in arms:
            settings = ", ".join(f"{key} = {value}" for key, value in arms[name].items())
            lines.append(f"settings = {{ {settings} }}")
    return "\n".join(lines) + "\n"


def _seed(plan: Plan, *parts: int) -> int:
    return int(np.random.SeedSequence([plan.seed, *parts]).generate_state(1)[0])
