"""What an answer is made from while the catalogue is away: a part of it that was kept."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec

from core.errors import RetryableError
from core.ports import ContentStore
from core.recommendation import Away

T = TypeVar("T")


class Guard(Protocol):
    """Stands before a dependency: a call takes its time and no more, none while it is away."""

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives. Raises: RetryableError where that is not in time."""
        ...


class Standby(msgspec.Struct, frozen=True, kw_only=True):
    """Items that were kept, and the guard of the catalogue that they stand in for."""

    contents: ContentStore
    guard: Guard


async def from_catalogue(
    contents: ContentStore,
    standby: Standby | None,
    make: Callable[[ContentStore, tuple[Away, ...]], Awaitable[T]],
) -> T:
    """What `make` makes of the catalogue as it is now, or of what stands in for it.

    `make` is told what it has to do without, and may be called a second time.

    Raises: RetryableError where nothing stands in, NoCatalogueError where
        nothing was kept yet.
    """
    if standby is None:
        return await make(contents.edition(), ())
    try:
        return await standby.guard.call(lambda: make(contents.edition(), ()))
    except RetryableError:
        return await make(standby.contents.edition(), ("contents",))
