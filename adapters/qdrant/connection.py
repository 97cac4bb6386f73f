"""The connection to a Qdrant server: a bound on every wait, retries, and its errors as ours."""

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import httpx
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from core.errors import ConfigError, EngineError, RejectedError, RetryableError

T = TypeVar("T")
Call = Callable[[AsyncQdrantClient], Awaitable[T]]

WRITE_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Between the tries of a write: long enough for a server that starts anew."""
_LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=20)
# Without limits of its own the client opens a connection a request to 127.0.0.1.

_NOT_NOW = frozenset({408, 429, 500, 502, 503, 504, 507})
_DRIVER_ERRORS = (
    TimeoutError,
    OSError,
    UnexpectedResponse,
    ResponseHandlingException,
    ResourceExhaustedResponse,
)


class NotThereError(RejectedError):
    """Qdrant does not know the collection or the alias."""


class Qdrant:
    """A server. Every operation used here may be done twice, so every one may be retried."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        timeout_s: float = 5.0,
        pauses_s: Sequence[float] = WRITE_PAUSES_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connects at its first use; `tls` says whom to trust, by default as the system does.

        Units: `timeout_s` bounds every single request; `pauses_s` lie between
            the tries of a write.
        """
        self._timeout_s = timeout_s
        self._pauses_s = tuple(pauses_s)
        self._client = AsyncQdrantClient(
            url=url,
            headers={"api-key": api_key} if api_key else None,
            timeout=math.ceil(timeout_s),
            check_compatibility=False,  # it would ask from a thread of its own
            limits=_LIMITS,
            verify=tls or True,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def read(self, doing: str, call: Call[T]) -> T:
        """Ask once, and once more where a kept connection turns out to be dead.

        Raises: RetryableError, NotThereError, RejectedError or ConfigError.
        """
        try:
            return await self._bounded(doing, call)
        except RetryableError as exc:
            if not _was_cut_off(exc):
                raise
        return await self._bounded(doing, call)

    async def write(self, doing: str, call: Call[T]) -> T:
        """Try until it is done or the pauses are used up.

        Raises: as `read`.
        """
        for pause_s in self._pauses_s:
            try:
                return await self._bounded(doing, call)
            except RetryableError as exc:
                await asyncio.sleep(max(pause_s, _asked_pause_s(exc)))
        return await self._bounded(doing, call)

    async def _bounded(self, doing: str, call: Call[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call(self._client)
        except _DRIVER_ERRORS as exc:
            raise _failure(doing, exc) from exc


def _failure(doing: str, exc: Exception) -> EngineError:
    """What an error of the driver is to this project."""
    match exc:
        case UnexpectedResponse():
            return _answered(doing, exc.status_code or 0, _said(exc))
        case ResourceExhaustedResponse():
            return RetryableError(f"Qdrant asks to wait while {doing}: {exc}")
        case ResponseHandlingException(source=httpx.TransportError() | OSError()):
            return RetryableError(f"Qdrant is away while {doing}: {exc.source!r}")
        case ResponseHandlingException():
            return ConfigError(
                f"what answers at QDRANT_API_URL while {doing} is no Qdrant that this "
                f"version understands: {exc.source}"
            )
    return RetryableError(f"Qdrant is away while {doing}: {exc!r}")


def _answered(doing: str, status: int, said: str) -> EngineError:
    if status in _NOT_NOW:
        return RetryableError(f"Qdrant cannot answer while {doing}: {status} {said}")
    if status in {401, 403}:
        return ConfigError(f"Qdrant refuses {doing}, look at QDRANT_API_KEY: {status} {said}")
    if status == httpx.codes.NOT_FOUND:
        return NotThereError(f"Qdrant does not find it while {doing}: {said}")
    return RejectedError(f"Qdrant refuses {doing}: {status} {said}")


def _said(exc: UnexpectedResponse) -> str:
    """The sentence in the answer, or what there is of one."""
    try:
        return str(exc.structured()["status"]["error"])
    except (ValueError, KeyError, TypeError):
        return exc.content[:200].decode(errors="replace")


def _was_cut_off(exc: RetryableError) -> bool:
    driver = exc.__cause__
    return isinstance(driver, ResponseHandlingException) and isinstance(
        driver.source, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
    )


def _asked_pause_s(exc: RetryableError) -> float:
    driver = exc.__cause__
    return float(driver.retry_after_s) if isinstance(driver, ResourceExhaustedResponse) else 0.0
