"""The load of a chaos run: steady, and full of what senders do wrong.

Duplicates, late and shuffled batches, old timestamps, slow senders, poison
among good events.
"""

import asyncio
from collections import Counter
from random import Random
from time import monotonic, time

from tests.chaos.audience import Audience
from tests.chaos.poison import ODDITIES, POISONS, oddity
from tests.chaos.sender import Sender

_SIZES = (1, 1, 1, 2, 2, 5, 10)
_FLOOD_EVENTS = 100
_LONGEST_DELAY_S = 0.8
"""Longer, and what comes late to a gone audience would mend what a fault did to it."""
_LONGEST_UPLOAD_S = 2.5


class Load:
    """Sends requests at a rate; what was injected is counted."""

    def __init__(
        self, sender: Sender, audience: Audience, *, seed: int, requests_per_s: float
    ) -> None:
        """The seed decides what is sent; how requests then overtake each other it does not."""
        self._sender = sender
        self._audience = audience
        self._random = Random(f"load {seed}")  # noqa: S311 - reproducible, not secret
        self._every_s = 1 / requests_per_s
        self._flood = 0
        self.injected: Counter[str] = Counter()

    def flood(self, requests: int) -> None:
        """Send at once what keeps a worker busy for a while, and makes its models large."""
        self._flood += requests

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until told to stop, and until everything sent has been answered with 200."""
        async with asyncio.TaskGroup() as tasks:
            next_s = monotonic()
            while not stopping.is_set():
                while self._flood:
                    self._flood -= 1
                    self._send_one(tasks, _FLOOD_EVENTS)
                self._send_one(tasks, self._random.choice(_SIZES))
                next_s = max(next_s + self._every_s, monotonic() - 1.0)
                await asyncio.sleep(max(0.0, next_s - monotonic()))

    def _send_one(self, tasks: asyncio.TaskGroup, size: int) -> None:
        body = self._body(size)
        after_s = over_s = 0.0
        if self._happens("late", 0.04):
            after_s = self._random.uniform(0.2, _LONGEST_DELAY_S)
        if self._happens("slow", 0.02):
            over_s = self._random.uniform(0.2, _LONGEST_UPLOAD_S)
        tasks.create_task(self._deliver(body, after_s, over_s))
        if self._happens("duplicate", 0.08):
            again_s = self._random.choice([0.0, self._random.uniform(0.0, _LONGEST_DELAY_S)])
            tasks.create_task(self._deliver(body, after_s + again_s, 0.0))

    async def _deliver(self, body: bytes, after_s: float, over_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._sender.deliver(body, over_s=over_s)

    def _body(self, size: int) -> bytes:
        now_s = time()
        events = [self._audience.event(now_s) for _ in range(size)]
        if self._happens("odd", 0.05):
            events[0] = oddity(events[0], self._random.randrange(ODDITIES))
        if self._happens("poison", 0.06):
            kind = self._random.choice(list(POISONS))
            token = f"poison-{self.injected['poison']}"
            events.append(POISONS[kind].elements(token))
            self.injected[f"poison: {kind}"] += 1
        if len(events) > 1 and self._happens("shuffled", 0.5):
            self._random.shuffle(events)
        if len(events) == 1 and self._random.random() < 0.5:
            return events[0]
        return b'{"batch":[' + b",".join(events) + b"]}"

    def _happens(self, what: str, probability: float) -> bool:
        happens = self._random.random() < probability
        self.injected[what] += happens
        return happens
