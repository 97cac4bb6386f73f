"""The roles that the core needs filled; adapters fill them, contract tests hold them.

Every method may raise RetryableError when its dependency is away.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from core.columns import ContentRows
from core.content import Content, ContentFilter
from core.events import InteractionEvent
from core.geo import GeoPoint
from core.signals import UserSignals
from core.vectors import GridVector


class EventWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A person's buffered events and the revision of the buffer they were read at.

    Units: `ends_ms` Unix milliseconds, when the events stop to say anything of who
        uses the id: of a shared device the session's end.
    """

    user_id: str
    revision: int
    events: tuple[InteractionEvent, ...]
    ends_ms: int | None = None


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh of one person that has begun, under a revision that no other one has.

    `asked` are the ids it was begun for, each with a revision of its own.
    """

    user_id: str
    revision: int
    asked: Mapping[str, int]


def each_alone(user_id: str, revision: int) -> Begun:
    """A refresh by who knows of no links."""
    return Begun(user_id=user_id, revision=revision, asked={user_id: revision})


class EventSource(Protocol):
    """Where a person's events are read from."""

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:
        """Begin to refresh the persons that the ids are, each once.

        What is read from now on belongs to that revision: a refresh that began
        later has read all that an earlier one has, so its model is the newer.
        """
        ...

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """One window a user, in the order asked, events oldest first.

        It is that of the person whom the id belongs to, and bears that person's id.
        """
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

    async def forget(self, user_ids: Sequence[str], *, until_ms: int | None = None) -> int:
        """Remove the users' events up to that moment; how many there were.

        None: all of them, and that there was anybody. Units: Unix milliseconds.
        """
        ...


class UserModelStore(Protocol):
    """The materialized models, which the serve side reads."""

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """Store each model unless a newer one is stored; says which were.

        Newer is of a later revision, or of the same and built later.
        """
        ...

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The stored model of the person whom the id belongs to, or None for a stranger."""
        ...

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        """Remove models up to a revision; how many were there.

        One of such a revision is refused from then on. None: whatever is there
        goes, and nothing is remembered. By their own ids, whomever those belong to.
        """
        ...


class ContentStore(Protocol):
    """The catalogue as answers and models read it.

    Searches answer best first, ties by id, inside `where` only.
    """

    @property
    def version(self) -> str:
        """Changes whenever any item does."""
        ...

    @property
    def vector_space(self) -> str:
        """Names the embedder and the length of its vectors: those of two spaces never mix."""
        ...

    def edition(self) -> "ContentStore":
        """The catalogue as it is now; it stays so while one answer is made."""
        ...

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`, hidden ones too."""
        ...

    async def rows(self, content_ids: Sequence[str]) -> ContentRows:
        """The same in the order asked, each once, to rank with."""
        ...

    async def inside(self, content_ids: Sequence[str], *, where: ContentFilter) -> ContentRows:
        """Those among `content_ids` that a search may find, in the order asked, each once."""
        ...

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Nearest by cosine; the negated vector finds the farthest."""
        ...

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Sharing the given tags, by the sum of tag weight times item weight."""
        ...

    async def search_related(
        self, content_ids: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """What the given items name as related, by the sum of item weight times their weight."""
        ...

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Within `radius_m` metres, nearest first."""
        ...

    async def search_popular(self, *, limit: int, where: ContentFilter) -> ContentRows:
        """The most popular; items without any popularity stay out."""
        ...

    async def search_text(self, query: str, *, limit: int, where: ContentFilter) -> ContentRows:
        """By the words of titles and texts; the last word of the query may be unfinished."""
        ...

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> ContentRows:
        """A draw that only `seed` decides; everything where there is less than `limit`."""
        ...

    async def pinned(self, *, where: ContentFilter) -> ContentRows:
        """Items that curators gave a rank, by that rank."""
        ...

    async def together(self, groups: Sequence[str]) -> Mapping[str, ContentRows]:
        """The members of each group that exists, by id, hidden ones too."""
        ...


class ItemDigests(msgspec.Struct, frozen=True, kw_only=True):
    """What tells whether an item has to be written, and whether to be embedded anew."""

    item: str
    """Of everything that is stored but the vector."""
    source: str
    """Of what the vector was made from: the embedded text, or the vector that came along."""


class StoredContent(msgspec.Struct, frozen=True, kw_only=True):
    """An item on its way into the repository."""

    content: Content
    digests: ItemDigests


class ContentRepository(Protocol):
    """The source of truth of the catalogue: curators write it, snapshots are built from it."""

    async def mark(self) -> str:
        """Changes with every write that went through this port; cheap enough to ask each second.

        Empty while there is no catalogue.
        """
        ...

    async def vector_space(self) -> str | None:
        """The space of the served items' vectors, None while there is no catalogue."""
        ...

    def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """Every served item once, in pages; without vectors much faster."""
        ...

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist among `content_ids`, with their vectors."""
        ...

    async def open(self, *, vector_space: str, dim: int) -> "ContentWriter":
        """Begin to write items of that space: into the served catalogue, or into one beside it.

        A writer of another space than the served one starts where an earlier
        one of that space was stopped. Nothing it writes is served until `commit`.
        """
        ...


class ContentWriter(Protocol):
    """Writes items of one vector space. Each call is durable when it returns."""

    async def digests(self) -> Mapping[str, ItemDigests]:
        """Those of every item that is there, by id."""
        ...

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist here among `content_ids`, with their vectors."""
        ...

    async def upsert(self, items: Sequence[StoredContent]) -> None:
        """Add the items, or replace those of the same id."""
        ...

    async def delete(self, content_ids: Sequence[str]) -> None:
        """Remove items; unknown ids are no error."""
        ...

    async def commit(self) -> None:
        """Serve what was written, in one step, and drop a catalogue of another space."""
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
