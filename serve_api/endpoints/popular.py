"""`GET /api/popular`: what is read most."""

from typing import Annotated

from msgspec import Meta

from core.config import HalfLifeDays
from core.http.operation import Documented, Operation
from core.popularity.answer import PopularList, PopularRequest
from core.popularity.popular import Popularity
from serve_api.endpoint import Answer, Call
from serve_api.etags import strong_etag
from serve_api.fields import Around, IncludeContent, at_most, milliseconds_of
from serve_api.list_parameters import ScopeParameters

_HalfLife = Annotated[
    HalfLifeDays,
    Meta(
        description="After so many days a view counts half; a short one asks for what is read "
        "these days. Without it the setting POPULARITY_HALF_LIFE_DAYS holds.",
        examples=[2],
    ),
]


class PopularParameters(ScopeParameters, frozen=True, kw_only=True):
    """How views count, and what restricts the list."""

    near: Around | None = None
    half_life_days: _HalfLife | None = None
    include_content: IncludeContent = False

    def request(self, now_ms: int) -> PopularRequest:
        """What the core understands. Raises: BadParameterError."""
        asked_ms = milliseconds_of(self.at)
        return PopularRequest(
            limit=self.limit,
            where=self.where(now_ms),
            at_ms=now_ms if asked_ms is None else asked_ms,
            half_life_days=self.half_life_days,
            include_content=self.include_content,
        )


class PopularEndpoint:
    """Answers from the latest counts."""

    def __init__(self, popularity: Popularity, max_limit: int) -> None:
        """`max_limit` bounds the items of one answer."""
        self._popularity = popularity
        self.operation = Operation(
            name="popular",
            path="/api/popular",
            summary="What is read most",
            description="By the views of all visitors in the last 30 days, older ones counting "
            "less. A visitor counts once an item and day, and days are those of UTC. Views are "
            "counted every few minutes. Where too few items were viewed, the others are ranked "
            "by the popularity that the catalogue states. `hidden`, validity, `apart` and caps "
            "of facets hold as in recommendations.",
            group="Catalogue",
            access="recommend",
            parameters=at_most(PopularParameters, "limit", max_limit),
            answers={
                200: Documented(
                    description="The list.",
                    body=PopularList,
                    headers={"ETag": "Changes with the answer, so with every count."},
                ),
                304: Documented(description="It is as `If-None-Match` says."),
            },
        )

    async def answer(self, call: Call[PopularParameters, None]) -> Answer:
        """The list. Raises: BadParameterError."""
        found = await self._popularity.list(call.parameters.request(call.now_ms))
        return Answer(content=found, etag=strong_etag(found))
