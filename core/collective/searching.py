"""Candidates that all visitors together lead to, inside a request's scope.

Of a catalogue in this process the statistics know every row: the scope comes
first, and what is best of all that is inside. A catalogue that is asked is asked
for the best ids, more of them than are wanted where the scope may leave few.
"""

from collections.abc import Sequence

import numpy as np

from core.collective.collective import Collective, Covisits
from core.columns import ContentRows
from core.content import ContentFilter
from core.index.contents import IndexedContents
from core.ports import ContentStore
from core.ragged import Rows
from core.ranking.context import AnswerContext
from core.vectors import Floats

_NARROW = 8
"""So many times as many are asked for where a filter may leave few of them."""
_NEW_TRIED = 50
"""New items that are looked at whether they lie inside the scope."""


async def search_crowd(
    covisits: Covisits | None,
    collective: Collective,
    contents: ContentStore,
    context: AnswerContext,
    where: ContentFilter,
) -> list[tuple[str, ContentRows]]:
    """What others read who read the same, what most like, and last the new items to try."""
    limits, found = context.config.candidates, []
    search = _Search(collective, contents, where)
    if covisits is not None:
        said = collective.said(covisits, context.config.covisit.ease_share)
        found.append(("covisit", await search.best(said, limits.covisit)))
    liked = collective.arrays.popularity.astype(np.float64)
    found.append(("liked", await search.best(liked, limits.liked)))
    tried = collective.fresh(context.seed)[:_NEW_TRIED]
    found.append(("fresh", await search.first(tried, limits.fresh)))
    return found


class _Search:
    """Over one catalogue and one scope."""

    def __init__(
        self, collective: Collective, contents: ContentStore, where: ContentFilter
    ) -> None:
        self._collective = collective
        self._contents = contents
        self._where = where
        self._places: Rows | None = None
        if isinstance(contents, IndexedContents):
            self._places = collective.places_in(contents.columns)
            self._open = contents.finds(self._places, where)

    async def best(self, said: Floats, limit: int) -> ContentRows:
        """The items that most is said for, ties by row. Shape: `said` (m,)."""
        if self._places is not None:
            rows = np.flatnonzero((said > 0) & self._open[: len(said)])
            return await self.first(_top(rows, said, limit), limit)
        wide = limit + len(self._where.exclude)
        if self._where.tags or self._where.near is not None or self._where.language:
            wide *= _NARROW
        return await self.first(_top(np.flatnonzero(said > 0), said, wide), limit)

    async def first(self, rows: Rows | Sequence[int], limit: int) -> ContentRows:
        """The first of the rows of the statistics that lie inside."""
        asked = np.asarray(rows, dtype=np.intp)
        if self._places is not None and isinstance(self._contents, IndexedContents):
            inside = asked[self._open[asked]][:limit]
            return ContentRows(self._contents.columns, self._places[inside])
        ids = self._collective.arrays.ids.take(asked)
        return (await self._contents.inside(ids, where=self._where))[:limit]


def _top(rows: Rows, said: Floats, limit: int) -> Rows:
    """Those of the greatest, in their order."""
    if len(rows) > limit:
        rows = np.sort(rows[np.argpartition(-said[rows], limit - 1)[:limit]])
    return rows[np.argsort(-said[rows], kind="stable")]
