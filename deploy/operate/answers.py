"""Where training and evaluating read logged answers, as their commands are told."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from core.learning.logged import LoggedAnswer
from deploy.operate.lines import read_lines

_DAY_MS = 86_400_000
_decoder = msgspec.json.Decoder(LoggedAnswer)

log_option = click.option(
    "--log",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Logged answers with what was opened of them, a JSON object a line, or gzipped.",
)
days_option = click.option(
    "--days", type=click.IntRange(1), help="Only the latest so many days of the log."
)


class AnswerLog:
    """Logged answers, read anew each time: of a long log nothing stays in memory."""

    def __init__(self, path: Path, days: int | None) -> None:
        """The answers of the last `days` before the latest, or all."""
        self._path = path
        self._from_ms = 0
        if days is not None:
            latest = max((answer.at_ms for answer in self._all()), default=0)
            self._from_ms = latest - days * _DAY_MS

    def __call__(self) -> Iterator[LoggedAnswer]:
        """One after the other. Raises: click.ClickException naming a line that is none."""
        return (answer for answer in self._all() if answer.at_ms > self._from_ms)

    def _all(self) -> Iterator[LoggedAnswer]:
        for line in read_lines(self._path):
            try:
                yield _decoder.decode(line.text)
            except msgspec.DecodeError as exc:
                named = f"{self._path}, line {line.number}"
                raise click.ClickException(f"{named} is no logged answer: {exc}") from exc
