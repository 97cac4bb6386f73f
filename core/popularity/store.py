"""`PopularityStore`: the role that an adapter fills, as in `ports`.

Every method may raise RetryableError when its dependency is away.
"""

from typing import Protocol

from core.popularity.views import ViewCounts


class PopularityStore(Protocol):
    """Keeps how often items were viewed, as it was counted last."""

    async def save(self, counts: ViewCounts) -> None:
        """Replace what was saved before."""
        ...

    async def get(self, known: ViewCounts | None = None) -> ViewCounts | None:
        """What was saved last, None where that was never or is too long ago.

        `known` itself where that is it: then nothing is sent.
        """
        ...
