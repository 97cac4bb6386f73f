"""What is read most: a list for nobody in particular, by what all visitors viewed.

Where too little was viewed to fill it, the catalogue's own popularity ranks the
rest, and then a draw that is always the same: a new installation has an answer too.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Literal

import msgspec

from core.columns import ContentRows
from core.content import Content, ContentFilter
from core.modelling.decay import MS_PER_DAY
from core.popularity import NOT_VIEWED, RankedViews, ViewCounts
from core.ports import ContentStore
from core.ranking.fusion import MICRO
from core.ranking.rules import ListRules
from core.shown_content import ShownContent

PopularitySource = Literal["views", "catalogue"]

_AT_ONCE = 4
"""So many times the limit is looked up first: filters and rules leave some out."""
_MORE = 4
_SEED = 0


class PopularRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the app asks for. `half_life_days` None leaves it to the settings.

    Units: `at_ms` Unix milliseconds.
    """

    limit: int
    where: ContentFilter
    at_ms: int
    half_life_days: float | None = None
    include_content: bool = False


class PopularItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item. `score` is what is left of its `views`: those of today count whole."""

    content_id: str
    rank: int
    source: PopularitySource
    """`views`: visitors viewed it. `catalogue`: nobody did, and it fills the list up."""
    score: float
    views: int
    content: ShownContent | None = None


class PopularList(msgspec.Struct, frozen=True, kw_only=True):
    """The list, and from how much it was counted. A visitor counts once an item and day.

    Units: `counted_at_ms` Unix milliseconds, null before the first count.
    """

    items: tuple[PopularItem, ...]
    half_life_days: float
    counted_at_ms: int | None
    visitors: int
    events: int
    catalogue_version: str


class Popularity:
    """Ranks the catalogue by the latest counts."""

    def __init__(
        self,
        contents: ContentStore,
        latest: Callable[[], ViewCounts | None],
        *,
        facet_caps: Sequence[str],
        half_life_days: float,
    ) -> None:
        """`latest` gives the counts, None before the first; the rest is from the settings."""
        self._contents = contents
        self._latest = latest
        self._facet_caps = facet_caps
        self._half_life_days = half_life_days
        self._last: tuple[ViewCounts, tuple[float, int], RankedViews] | None = None

    async def list(self, request: PopularRequest) -> PopularList:
        """The list of a moment. Raises: RetryableError when the catalogue is away."""
        counts, contents = self._latest(), self._contents.edition()
        half_life_days = request.half_life_days or self._half_life_days
        ranked = NOT_VIEWED
        if counts is not None:
            ranked = self._ranked(counts, half_life_days, request.at_ms)
        listed = _Listed(request, ListRules(self._facet_caps))
        await listed.add_viewed(ranked, contents)
        if not listed.is_full:
            await listed.add_others(contents)
        return PopularList(
            items=tuple(listed.items),
            half_life_days=half_life_days,
            counted_at_ms=counts.counted_at_ms if counts else None,
            visitors=counts.visitors if counts else 0,
            events=counts.events if counts else 0,
            catalogue_version=contents.version,
        )

    def _ranked(self, counts: ViewCounts, half_life_days: float, at_ms: int) -> RankedViews:
        """The ranking, which is that of the last request for most of them."""
        asked, last = (half_life_days, at_ms // MS_PER_DAY), self._last
        if last is None or last[0] is not counts or last[1] != asked:
            ranked = counts.ranked(half_life_days, at_ms=at_ms)
            last = self._last = (counts, asked, ranked)
        return last[2]


class _Listed:
    """The list as it grows, best first."""

    def __init__(self, request: PopularRequest, rules: ListRules) -> None:
        self.items: list[PopularItem] = []
        self._request = request
        self._rules = rules
        self._taken: set[str] = set()

    @property
    def is_full(self) -> bool:
        return len(self.items) >= self._request.limit

    async def add_viewed(self, ranked: RankedViews, contents: ContentStore) -> None:
        """Those that were viewed, as far as they are in scope."""
        begin, size = 0, _AT_ONCE * self._request.limit
        while begin < len(ranked.ids) and not self.is_full:
            ids = ranked.ids[begin : begin + size]
            place = {content_id: begin + index for index, content_id in enumerate(ids)}
            for content in await contents.inside(ids, where=self._request.where):
                at = place[content.id]
                self._offer(content, "views", int(ranked.scores[at]), int(ranked.views[at]))
            begin, size = begin + size, size * _MORE

    async def add_others(self, contents: ContentStore) -> None:
        """Those that nobody viewed."""
        where = self._request.where

        async def popular(limit: int) -> ContentRows:
            return await contents.search_popular(limit=limit, where=where)

        async def drawn(limit: int) -> ContentRows:
            return await contents.sample(limit=limit, seed=_SEED, where=where)

        for search in (popular, drawn):
            async for content in _every(search, self._request.limit + len(self.items)):
                if self.is_full:
                    return
                self._offer(content, "catalogue", 0, 0)

    def _offer(self, content: Content, source: PopularitySource, score: int, views: int) -> None:
        """Take it if there is room and no rule speaks against it."""
        if self.is_full or content.id in self._taken or not self._rules.admit([content]):
            return
        self._rules.add([content])
        self._taken.add(content.id)
        self.items.append(
            PopularItem(
                content_id=content.id,
                rank=len(self.items) + 1,
                source=source,
                score=score / MICRO,
                views=views,
                content=ShownContent.of(content) if self._request.include_content else None,
            )
        )


async def _every(
    search: Callable[[int], Awaitable[ContentRows]], first: int
) -> AsyncIterator[Content]:
    """What a search finds, best first; more of it is asked for as it is used up."""
    done, wanted = 0, first
    while True:
        found = await search(wanted)
        for content in found[done:]:
            yield content
        if len(found) < wanted:
            return
        done, wanted = len(found), wanted * _MORE
