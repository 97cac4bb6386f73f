"""What every operation of the read API is made of: a declaration, and who answers it."""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from core.http.operation import Operation

P = TypeVar("P")
B = TypeVar("B")


class Call(msgspec.Struct, Generic[P, B], frozen=True, kw_only=True):
    """A request: its parameters, its body, and when it came. Units: Unix milliseconds."""

    parameters: P
    body: B
    now_ms: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered. Two answers of one `etag` say the same to whoever asks again.

    Raises where it is made: ProblemError for what cannot be answered.
    """

    content: Any
    etag: str | None = None
    headers: Mapping[str, str] = {}


class Endpoint(Protocol):
    """An operation with who answers it."""

    @property
    def operation(self) -> Operation:
        """What it takes and answers."""
        ...

    async def answer(self, call: Call[Any, Any]) -> Answer:
        """The answer. Raises: ProblemError, RetryableError when a store is away."""
        ...
