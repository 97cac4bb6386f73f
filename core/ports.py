"""The roles that the core needs filled; adapters fill them, contract tests hold them.

Every method may raise RetryableError when its dependency is away.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from core.content import Content, ContentFilter
from core.events import InteractionEvent
from core.geo import GeoPoint
from core.signals import UserSignals
from core.vectors import GridVector


class EventWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A user's buffered events and the revision of the buffer they were read at."""

    user_id: str
    revision: int
    events: tuple[InteractionEvent, ...]


class EventSource(Protocol):
    """Where a user's events are read from."""

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """One window a user, in the order asked, events oldest first."""
        ...


class EventBuffer(EventSource, Protocol):
    """The last days of every user's events; appending one twice changes nothing."""

    async def append(self, events: Sequence[InteractionEvent], *, now_ms: int) -> frozenset[str]:
        """Store events, drop what is past the window or the bound.

        Returns the users whose buffer changed: their revision has risen.
        """
        ...

    async def latest_ms(self, user_ids: Sequence[str]) -> Sequence[int | None]:
        """The time of each user's newest event, None for who has none.

        Units: Unix milliseconds.
        """
        ...

    def user_ids(self) -> AsyncIterator[str]:
        """Everybody with buffered events; one of them may come twice."""
        ...


class UserModelStore(Protocol):
    """The materialized models, which the serve side reads."""

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """Store each model unless a newer one is stored; says which were.

        Newer is of a later revision, or of the same and built later.
        """
        ...

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The stored model, or None for a stranger."""
        ...


class ContentStore(Protocol):
    """The catalogue. Searches answer best first, ties by id, inside `where` only."""

    @property
    def version(self) -> str:
        """Changes whenever any item does."""
        ...

    @property
    def vector_space(self) -> str:
        """Names the embedder and the length of its vectors: those of two spaces never mix."""
        ...

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`."""
        ...

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> Sequence[Content]:
        """Nearest by cosine; the negated vector finds the farthest."""
        ...

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> Sequence[Content]:
        """Sharing the given tags, by the sum of tag weight times item weight."""
        ...

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> Sequence[Content]:
        """Within `radius_m` metres, nearest first."""
        ...

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> Sequence[Content]:
        """A draw that only `seed` decides; everything where there is less than `limit`."""
        ...


class Embedder(Protocol):
    """Turns text into a vector. `id` names the model: vectors of two never mix."""

    @property
    def id(self) -> str:
        """The model's name and version."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Shape: (len(texts), dim)."""
        ...
