"""`WatchedRanker`: the artifact of RANKER_FILE, used as soon as it is there and good."""

from collections.abc import Callable
from pathlib import Path

import structlog

from adapters.rankers.metrics import RankerMetrics
from adapters.watched_file import EVERY_S, WatchedFile
from core.errors import ConfigError
from core.learning.artifact import decode, version_of
from core.learning.model import Model
from core.log_names import RANKER_READ, RANKER_REFUSED
from core.policies.policy import SCORERS

_log = structlog.get_logger()


def model_of(content: bytes) -> Model:
    """The model in an artifact's bytes. Raises: RejectedError naming what is wrong."""
    return decode(content, SCORERS)


class WatchedRanker:
    """Follows the file. While it cannot be used, what ranked goes on ranking."""

    def __init__(self, path: Path, use: Callable[[Model], None], metrics: RankerMetrics) -> None:
        """Use the file if it can be used; if not, the static weights rank and the log says why."""
        self._use = use
        self._metrics = metrics
        self._file = WatchedFile("RANKER_FILE", path, model_of, RANKER_REFUSED)
        try:
            model = self._file.read()
        except ConfigError as exc:
            self._file.refuse(self, str(exc))
        else:
            self.take(model)

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look at the file until cancelled."""
        await self._file.run(self, every_s)

    def take(self, said: Model) -> None:
        """The file holds this model."""
        self._use(said)
        training = said.training
        self._metrics.taken(training.window.to_ms)
        _log.info(
            RANKER_READ,
            version=version_of(said),
            kind=type(said).__struct_config__.tag,
            rows=training.rows,
            learned_to_ms=training.window.to_ms,
        )

    def refuse(self) -> None:
        """The file cannot be used."""
        self._metrics.refused()
