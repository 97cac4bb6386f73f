"""One attack on both services while others ask them in order: what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from deploy.local import LocalStack
from deploy.valkey import free_port
from tests.abuse.attacks import ATTACKS
from tests.abuse.processes import Memory
from tests.abuse.wire import Target
from tests.bench.servers import child_environ
from tests.end_to_end.client import Pipeline, track

KEY = "the-right-key"
PATIENCE_S = 5.0
"""Of those who ask in order, on a machine that attacks itself at the same time."""
_AFTER = 3
"""Requests in order once an attack is over."""
_SETTINGS = {
    "INGEST_API_KEY": KEY,
    "SERVE_API_KEY": KEY,
    "SERVE_REQUIRE_KEY": "1",
    "LOG_FORMAT": "json",
    "SERVE_MODELS_TIMEOUT_MS": "1000",
    # Short, so that what is slow is over soon.
    "HTTP_HEAD_TIMEOUT_S": "1",
    "INGEST_BODY_TIMEOUT_S": "1",
    "SERVE_TIMEOUT_S": "1",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an attack got, what it cost, and what others noticed of it."""

    attack: str
    answers: Counter[int]
    seconds: float
    growth_mb: float
    """Of the process that grew most."""
    in_order: Counter[int]
    """Answers to those who asked in order."""
    slowest_s: float
    """Of those."""

    def faults(self) -> list[str]:
        """What must not be."""
        wanted = ATTACKS[self.attack]
        found = []
        if unexpected := set(self.answers) - wanted.answers:
            found.append(f"answered {sorted(unexpected)}")
        if self.growth_mb > wanted.growth_mb:
            found.append(f"grew by {self.growth_mb:.0f} MB, and may by {wanted.growth_mb}")
        if set(self.in_order) != {200}:
            found.append(f"others were answered {dict(self.in_order)}")
        if self.slowest_s > PATIENCE_S:
            found.append(f"others waited {self.slowest_s:.1f} s")
        return found


@contextmanager
def besieged(folder: Path) -> Iterator[LocalStack]:
    """The processes, all of which must live at the end."""
    environ = child_environ(**_SETTINGS)
    with LocalStack(
        folder, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        yield stack
        if (ended := stack.ended()) is not None:
            raise RuntimeError(f"{ended} has ended:\n{stack.log_of(ended)}")


def learnt(stack: LocalStack) -> None:
    """Wait for the model that others ask for during the attacks."""
    pipeline = Pipeline(stack.ingest_url, stack.serve_url, KEY)
    event = track("ada", "CONTENT_VIEW_STARTED", content={"content_id": "brundibar-terezin"})
    assert pipeline.post([event], X_API_Key=KEY).status_code == httpx.codes.OK
    pipeline.model_of("ada", events=1)


async def attack(stack: LocalStack, name: str) -> Outcome:
    """Attack both services at once."""
    targets = [
        Target(name="webhook", port=_port(stack.ingest_url), path="/api/ingest", key=KEY),
        Target(name="serve", port=_port(stack.serve_url), path="/api/recommend/preview", key=KEY),
    ]
    memories = [Memory(stack.processes[target.name].pid) for target in targets]
    started = time.monotonic()
    attacking = asyncio.gather(*(ATTACKS[name].run(target) for target in targets))
    in_order, waits = await _ask_in_order(stack, attacking)
    return Outcome(
        attack=name,
        answers=sum(await attacking, Counter()),
        seconds=time.monotonic() - started,
        growth_mb=max(memory.growth_mb() for memory in memories),
        in_order=in_order,
        slowest_s=max(waits),
    )


async def _ask_in_order(
    stack: LocalStack, attacking: "asyncio.Future[list[Counter[int]]]"
) -> tuple[Counter[int], list[float]]:
    """Ask both services by connections of their own, until a little after the attack."""
    found: Counter[int] = Counter()
    waits, after = [], 0
    while after < _AFTER:
        after += attacking.done()
        for asked in (_send_event, _ask_model):
            started = time.monotonic()
            found[await asked(stack)] += 1
            waits.append(time.monotonic() - started)
        await asyncio.sleep(0.02)
    return found, waits


async def _send_event(stack: LocalStack) -> int:
    event = track("ada", "CONTENT_VIEW_STARTED", content={"content_id": "brundibar-terezin"})
    async with _client() as client:
        return (await client.post(f"{stack.ingest_url}/v1/track", json=event)).status_code


async def _ask_model(stack: LocalStack) -> int:
    async with _client() as client:
        query = {"user_id": "ada"}
        return (await client.get(f"{stack.serve_url}/api/usermodel", params=query)).status_code


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(headers={"X-API-Key": KEY}, timeout=30)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
