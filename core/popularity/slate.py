"""Fills a list of what is read most: with what was viewed, then by the catalogue's own popularity.

Where that does not fill it either, a draw does that is always the same: a new
installation has an answer too.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from core.columns import ContentRows
from core.content import Content
from core.popularity.answer import PopularItem, PopularitySource, PopularRequest
from core.popularity.views import RankedViews
from core.ports import ContentStore
from core.ranking.fusion import MICRO
from core.ranking.rules import ListRules

_AT_ONCE = 4
"""So many times the limit is looked up first: filters and rules leave some out."""
_MORE = 4
_FEW = 1000
"""A scope of fewer items is listed whole: of a long ranking nearly all would lie outside."""
_SEED = 0


class PopularSlate:
    """The list as it grows, best first."""

    def __init__(self, request: PopularRequest, rules: ListRules) -> None:
        """An empty list."""
        self.items: list[PopularItem] = []
        self._request = request
        self._rules = rules
        self._taken: set[str] = set()

    @property
    def is_full(self) -> bool:
        """Whether there are as many items as were asked for."""
        return len(self.items) >= self._request.limit

    async def add_viewed(self, ranked: RankedViews, contents: ContentStore) -> None:
        """Those that were viewed, as far as they are in scope."""
        begin = await self._add_stretch(ranked, 0, _AT_ONCE * self._request.limit, contents)
        if self.is_full or begin >= len(ranked.ids):
            return
        where = self._request.where
        inside = await contents.sample(limit=_FEW, seed=_SEED, where=where)
        if len(inside) < _FEW:
            self._add_inside(ranked, inside)
            return
        while begin < len(ranked.ids) and not self.is_full:
            begin = await self._add_stretch(ranked, begin, _MORE * begin, contents)

    async def _add_stretch(
        self, ranked: RankedViews, begin: int, size: int, contents: ContentStore
    ) -> int:
        """Look at so many of the ranking; where the next would begin."""
        ids = ranked.ids[begin : begin + size]
        place = {content_id: begin + index for index, content_id in enumerate(ids)}
        for content in await contents.inside(ids, where=self._request.where):
            self._offer_viewed(content, ranked, place[content.id])
        return begin + size

    def _add_inside(self, ranked: RankedViews, inside: ContentRows) -> None:
        """All that is in scope is known: the ranking need only be looked through for it."""
        index = {content_id: index for index, content_id in enumerate(inside.ids)}
        for at, content_id in enumerate(ranked.ids):
            if content_id in index and not self.is_full:
                self._offer_viewed(inside[index[content_id]], ranked, at)

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

    def _offer_viewed(self, content: Content, ranked: RankedViews, at: int) -> None:
        self._offer(content, "views", int(ranked.scores[at]), int(ranked.views[at]))

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
                content=content.shown() if self._request.include_content else None,
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
