"""An app that asks for recommendations all through a run."""

import asyncio
from collections import Counter

import httpx

from tests.chaos.audience import Audience

_EVERY_S = 0.2
_TIMEOUT_S = 5.0
_EXPECTED = {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}


class Reader:
    """Asks for whoever is here; an answer that is neither 200 nor 503 is a problem."""

    def __init__(self, url: str, audience: Audience) -> None:
        """`url` is the read API's."""
        self._url = f"{url}/api/recommend"
        self._audience = audience
        self.answers: Counter[int] = Counter()

    @property
    def problems(self) -> list[str]:
        """Answers that no app can do anything with."""
        return [
            f"{count} recommendations answered {status}"
            for status, count in self.answers.items()
            if status not in _EXPECTED
        ]

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask until told to stop."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            while not stopping.is_set():
                answer = await client.get(self._url, params={"user_id": self._audience.visitor()})
                self.answers[answer.status_code] += 1
                await asyncio.sleep(_EVERY_S)
