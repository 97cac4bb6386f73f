"""`GET /api/search`: items by their words."""

import msgspec

from core.columns import ContentRows
from core.content import ShownContent
from core.http.operation import Documented, Operation
from core.ports import ContentStore
from serve_api.endpoint import Answer, Call
from serve_api.etags import strong_etag
from serve_api.fields import Around, IncludeContent, SearchedText, at_most
from serve_api.list_parameters import ScopeParameters


class SearchParameters(ScopeParameters, frozen=True, kw_only=True):
    """What is searched for, and within what."""

    q: SearchedText
    near: Around | None = None
    include_content: IncludeContent = False


class FoundItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item that was found."""

    content_id: str
    rank: int
    title: str
    content: ShownContent | None = None


class FoundItems(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, best first."""

    items: tuple[FoundItem, ...]
    catalogue_version: str


class SearchEndpoint:
    """Answers from the words of titles and texts."""

    def __init__(self, contents: ContentStore, max_limit: int) -> None:
        """`max_limit` bounds the items of one answer."""
        self._contents = contents
        self.operation = Operation(
            name="search",
            path="/api/search",
            summary="Items by their words",
            description="By the words of titles and texts, rare ones before common ones; the "
            "last word may be unfinished, so that it can be asked while somebody types (not where "
            "CONTENT_SERVING is qdrant). Case and accents do not matter. A text without any word "
            "finds nothing.",
            group="Catalogue",
            access="recommend",
            parameters=at_most(SearchParameters, "limit", max_limit),
            answers={
                200: Documented(
                    description="What was found, which may be nothing.",
                    body=FoundItems,
                    headers={"ETag": "Changes with the answer."},
                ),
                304: Documented(description="It is as `If-None-Match` says."),
            },
        )

    async def answer(self, call: Call[SearchParameters, None]) -> Answer:
        """The items. Raises: BadParameterError."""
        asked, contents = call.parameters, self._contents.edition()
        where = asked.where(call.now_ms)
        rows = await contents.search_text(asked.q, limit=asked.limit, where=where)
        found = FoundItems(
            items=_items(rows, with_content=asked.include_content),
            catalogue_version=contents.version,
        )
        return Answer(content=found, etag=strong_etag(found))


def _items(rows: ContentRows, *, with_content: bool) -> tuple[FoundItem, ...]:
    return tuple(
        FoundItem(
            content_id=one.id,
            rank=rank,
            title=one.title,
            content=one.shown() if with_content else None,
        )
        for rank, one in enumerate(rows, start=1)
    )
