"""`GET /api/content/{content_id}`: one item."""

import msgspec

from core.content import ShownContent
from core.http.operation import Documented, Operation
from core.ports import ContentStore
from serve_api.endpoint import Answer, Call
from serve_api.etags import strong_etag
from serve_api.fields import ContentId
from serve_api.missing import NO_ITEM, no_such_item

_SHARED = "public, no-cache"
"""Everybody gets the same; whoever keeps it asks whether it has changed, for rules may hide it."""


class ContentParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which item."""

    content_id: ContentId


class ContentEndpoint:
    """Answers an item that may be shown now."""

    operation = Operation(
        name="content",
        path="/api/content/{content_id}",
        summary="One item",
        description="Title, text, tags and place. The id may be of any characters, `/` among "
        "them, encoded or not.",
        group="Catalogue",
        access="recommend",
        parameters=ContentParameters,
        answers={
            200: Documented(
                description="The item.",
                body=ShownContent,
                headers={"ETag": "Changes with the item.", "Cache-Control": "Ask again each time."},
            ),
            304: Documented(description="It is as `If-None-Match` says."),
            404: NO_ITEM,
        },
    )

    def __init__(self, contents: ContentStore) -> None:
        """Keep the catalogue."""
        self._contents = contents

    async def answer(self, call: Call[ContentParameters, None]) -> Answer:
        """The item. Raises: NotFoundError for one that is not shown."""
        content_id = call.parameters.content_id
        content = (await self._contents.get([content_id])).get(content_id)
        if content is None or not content.rules.shows_at(call.now_ms):
            raise no_such_item(call.parameters.content_id)
        shown = content.shown()
        return Answer(content=shown, etag=strong_etag(shown), headers={"Cache-Control": _SHARED})
