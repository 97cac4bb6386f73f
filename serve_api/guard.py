"""`BreakerGuard`: stands before a dependency, so that no request waits for what is away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

import structlog

from core.breaker import Breaker
from core.errors import EngineError, NoCatalogueError, RetryableError
from core.log_names import ANSWERS_DEGRADED, ANSWERS_RECOVERED, PROBE_FAILED
from core.recommendation import Away
from serve_api.patience import within

T = TypeVar("T")
_PROBE_S = 1.0
"""A late probe is no success, but may go on: a cluster's client learns by it who is left."""
_LATE = "no answer in time"

_log = structlog.get_logger()


class BreakerGuard:
    """A `Guard` that asks nothing while its breaker is open, and probes beside the requests.

    A context manager: the probes end with it.
    """

    def __init__(
        self,
        name: Away,
        probe: Callable[[], Awaitable[object]],
        *,
        timeout_s: float,
        repeats: bool = False,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        """`probe` asks the dependency as a request does.

        `repeats`: once a call has failed, that call is the probe. So the one node of
        a cluster is asked that is away, but a call that always takes long would
        never let the others in again.

        Units: seconds of a steady clock.
        """
        self._name = name
        self._ask = probe
        self._timeout_s = timeout_s
        self._repeats = repeats
        self._clock_s = clock_s
        self._breaker = Breaker()
        self._opened = asyncio.Event()
        self._probing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Ask once, so that connections are there before the first request."""
        await self._probe()
        self._probing = asyncio.create_task(self._probe_while_open())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives in time. Raises: RetryableError, at once while it is known to be away.

        A catalogue that was never there is no failure of who holds it.
        """
        if self._breaker.is_open:
            raise RetryableError(f"{self._name} are away")
        try:
            made = await within(self._timeout_s, make())
        except NoCatalogueError:
            raise
        except TimeoutError as exc:
            self._failed(_LATE, make)
            raise RetryableError(f"{self._name} do not answer in time") from exc
        except EngineError as exc:
            self._failed(str(exc), make)
            raise RetryableError(str(exc)) from exc
        self._breaker.succeeded()
        return made

    def _failed(self, error: str, call: Callable[[], Awaitable[object]]) -> None:
        if self._repeats:
            self._ask = call
        if self._breaker.failed(self._clock_s()):
            self._opened.set()
            _log.warning(ANSWERS_DEGRADED, away=self._name, error=error)

    def _back(self) -> None:
        away_s = self._breaker.probe_succeeded(self._clock_s())
        if away_s is not None:
            self._opened.clear()
            _log.warning(ANSWERS_RECOVERED, away=self._name, seconds=round(away_s, 3))

    async def _probe_while_open(self) -> None:
        while True:
            await self._opened.wait()
            await asyncio.sleep(self._breaker.wait_s(self._clock_s()))
            await self._probe()

    async def _probe(self) -> None:
        began_s = self._clock_s()
        self._breaker.probed(began_s)
        try:
            await within(_PROBE_S, self._ask())
            if self._clock_s() - began_s > self._timeout_s:
                raise TimeoutError(_LATE)  # noqa: TRY301 - as if it had not come
        except NoCatalogueError:
            return
        except (EngineError, TimeoutError) as exc:
            self._failed(str(exc) or _LATE, self._ask)
        except Exception:
            # Whatever it is: the next one may see more.
            _log.exception(PROBE_FAILED, away=self._name)
        else:
            self._back()
