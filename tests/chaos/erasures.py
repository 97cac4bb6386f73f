"""Persons who ask to be forgotten in the middle of a run, and senders that do not know of it."""

import asyncio
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from tests.chaos.audience import Audience
from tests.chaos.ledger import Ledger
from tests.chaos.sender import Sender

_EVERY_S = 1.0
_PAUSE_S = 0.3
_TIMEOUT_S = 10.0
_RETRIES = 3
"""Bodies from before that are sent once more after an erasing."""


class Erasures:
    """Erases one after the other; each until it is answered with a receipt."""

    def __init__(
        self, url: str, sender: Sender, audience: Audience, ledger: Ledger, *, seed: int
    ) -> None:
        """`url` is the webhook's."""
        self._url = url
        self._sender = sender
        self._audience = audience
        self._ledger = ledger
        self._random = Random(f"erasures {seed}")  # noqa: S311 - reproducible, not secret
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []

    async def run(self, stopping: asyncio.Event) -> None:
        """Erase until told to stop; who is being erased then is erased."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            while not stopping.is_set():
                await self._erase(client, self._somebody())
                await asyncio.sleep(_EVERY_S)

    def _somebody(self) -> str:
        is_device = self._random.random() < 0.3
        return self._audience.own_device() if is_device else self._audience.visitor()

    async def _erase(self, client: httpx.AsyncClient, user_id: str) -> None:
        while (receipt := await self._receipt(client, user_id)) is None:
            # What was done without an answer, the receipt of the next time does not tell.
            self._ledger.unanswered_ids.add(user_id)
            await asyncio.sleep(_PAUSE_S)
        self._ledger.erased(receipt["ids"])
        self.done["erased"] += 1
        self.done["erased ids"] += len(receipt["ids"])
        self.done["erased: events"] += receipt["counts"]["events"]
        bodies = self._ledger.bodies_of(receipt["ids"])
        for body in self._random.sample(bodies, min(_RETRIES, len(bodies))):
            await self._sender.deliver(body)
            self.done["erased: sent again"] += 1

    async def _receipt(self, client: httpx.AsyncClient, user_id: str) -> dict[str, Any] | None:
        try:
            answer = await client.delete(f"{self._url}/api/users/{quote(user_id, safe='')}")
        except httpx.TransportError:
            return None
        if answer.status_code == httpx.codes.OK:
            return dict(answer.json())
        if not answer.is_server_error:
            self.problems.append(f"erasing was answered {answer.status_code}: {answer.text}")
        return None
