"""`PopularList`: an answer to "what is read most?", and the request for it."""

from typing import Literal

import msgspec

from core.content import ContentFilter, ShownContent

PopularitySource = Literal["views", "catalogue"]


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
