"""A sender that behaves as RudderStack does: again and again until answered 200."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from types import TracebackType
from typing import Self

import httpx

from tests.chaos.ledger import Ledger

_TIMEOUT_S = 3.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_SLOW_PIECES = 8
_RETRIED = {408, 429}
"""With these and every 5xx RudderStack sends again; with other 4xx it drops."""


class Sender:
    """Posts bodies; the ledger learns of every try and its outcome."""

    def __init__(self, url: str, ledger: Ledger, seed: int) -> None:
        """`url` is the webhook's."""
        self._url = f"{url}/api/ingest"
        self._ledger = ledger
        self._random = Random(f"sender {seed}")  # noqa: S311 - reproducible, not secret
        self._stack = AsyncExitStack()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(_TIMEOUT_S, pool=None),
            limits=httpx.Limits(max_connections=50),
        )

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def deliver(self, body: bytes, *, over_s: float = 0.0) -> None:
        """Send until it is answered with 200, each time over so many seconds."""
        pause_s = _FIRST_PAUSE_S
        while not await self._is_done(body, over_s):
            await asyncio.sleep(pause_s * self._random.uniform(0.5, 1.5))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            over_s /= 2  # a sender too slow for the webhook's patience must end some day

    async def _is_done(self, body: bytes, over_s: float) -> bool:
        self._ledger.sending(body)
        try:
            answer = await self._client.post(
                self._url, content=_slowly(body, over_s) if over_s else body
            )
        except httpx.TransportError as exc:
            self._ledger.failed(body, type(exc).__name__)
            return False
        if answer.status_code == httpx.codes.OK:
            self._ledger.answered(body)
            return True
        self._ledger.failed(body, str(answer.status_code))
        if answer.is_server_error or answer.status_code in _RETRIED:
            return False
        self._ledger.refused.append(f"{answer.status_code} {answer.text} for {body[:200]!r}")
        return True


async def _slowly(body: bytes, over_s: float) -> AsyncIterator[bytes]:
    size = len(body) // _SLOW_PIECES + 1
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(over_s / _SLOW_PIECES)
