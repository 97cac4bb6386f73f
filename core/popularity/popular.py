"""What is read most: a list for nobody in particular, by what all visitors viewed."""

from collections.abc import Callable, Sequence

from core.modelling.decay import MS_PER_DAY
from core.popularity.answer import PopularList, PopularRequest
from core.popularity.slate import PopularSlate
from core.popularity.views import NOT_VIEWED, RankedViews, ViewCounts
from core.ports import ContentStore
from core.ranking.rules import ListRules


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
        slate = PopularSlate(request, ListRules(self._facet_caps))
        await slate.add_viewed(ranked, contents)
        if not slate.is_full:
            await slate.add_others(contents)
        return PopularList(
            items=tuple(slate.items),
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
