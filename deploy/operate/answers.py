"""Where training and evaluating read logged answers, as their commands are told."""

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from adapters.open_log import answer_replays, log_folder
from adapters.process import clock_ms
from adapters.settings import SharedSettings, read_settings
from core.errors import ConfigError

if TYPE_CHECKING:
    from adapters.parquet.learning_log import LearningLog
    from adapters.parquet.made_from import MadeFrom

log_option = click.option(
    "--log", metavar="URL", help="The log of answers and events; LOG_URL unless it is given."
)
days_option = click.option(
    "--days", type=click.IntRange(1), default=14, show_default=True, help="Of so many days."
)


class LogToLearn:
    """A log, and the settings of the environment beside it."""

    def __init__(self, url: str | None) -> None:
        """Raises: ConfigError where nothing says which log."""
        # No other command pays for pyarrow.
        from adapters.parquet.reader import LogReader  # noqa: PLC0415

        environ = os.environ | ({"LOG_URL": url} if url else {})
        settings = read_settings(SharedSettings, environ)
        if not settings.log_url:
            raise ConfigError("say which log: --log URL, or LOG_URL")
        self.settings = settings
        self._reader = LogReader(log_folder(settings))

    def answers(self, days: int, *, with_draws: bool) -> "LearningLog":
        """The latest days."""
        from adapters.parquet.learning_log import LearningLog  # noqa: PLC0415

        since_ms = clock_ms() - timedelta(days=days) // timedelta(milliseconds=1)
        return LearningLog(self._reader, since_ms=since_ms, with_draws=with_draws)

    def made_from(self) -> "MadeFrom":
        """What its answers were made from. Raises: ConfigError."""
        from adapters.parquet.made_from import MadeFrom  # noqa: PLC0415

        replays = answer_replays(self.settings)
        if replays is None:
            raise ConfigError("there is no log")
        return MadeFrom(replays)
