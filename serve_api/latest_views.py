"""`LatestViews`: the counts of views that answers are made from, asked for beside them."""

import asyncio

import structlog

from core.errors import RetryableError
from core.log_names import COUNTS_MISSED
from core.popularity.store import PopularityStore
from core.popularity.views import ViewCounts

_EVERY_S = 2.0

_log = structlog.get_logger()


class LatestViews:
    """Follows a store. While that is away, what it gave last stays."""

    def __init__(self, store: PopularityStore, *, every_s: float = _EVERY_S) -> None:
        """There are none yet. `every_s` is how often the store is asked."""
        self._store = store
        self._every_s = every_s
        self._counts: ViewCounts | None = None
        self._is_away = False

    def counts(self) -> ViewCounts | None:
        """The latest, None where nothing has been counted."""
        return self._counts

    async def look(self) -> None:
        """Ask once. Raises: RetryableError when the store is away."""
        self._counts = await self._store.get(self._counts)

    async def run(self) -> None:
        """Ask every few seconds until cancelled."""
        while True:
            try:
                await self.look()
                self._is_away = False
            except RetryableError as exc:
                self._say_once(str(exc))
            except Exception:
                # Answers go on from what there is.
                _log.exception(COUNTS_MISSED)
            await asyncio.sleep(self._every_s)

    def _say_once(self, error: str) -> None:
        """One line an outage, not one a look."""
        if not self._is_away:
            _log.warning(COUNTS_MISSED, error=error)
        self._is_away = True
