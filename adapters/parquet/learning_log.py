"""`LearningLog`: logged answers with what followed them, a day at a time.

Only columns that are learned from are read, and of a day no more than its events is
held in memory: an answer is done with before the next is looked at.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.parquet.folder import day_of
from adapters.parquet.reader import LogReader
from adapters.parquet.schema import ANSWERS, EVENTS
from core.answer_log.entry import AnswerEntry, EventEntry
from core.answer_log.outcomes import WITHIN_MS, Outcomes
from core.learning.logged import LoggedAnswer, logged_answer

_ENDPOINT = "recommend"
"""Of lists in letters and of those for nobody it is not known who looked at them, and when."""
_ROWS_AT_ONCE = 2000
_SHOWN = (
    "request_id",
    "endpoint",
    "served_at_ms",
    "user",
    "asked",
    "slate.list.element.content_id",
)
_FOLLOWING = ("message_id", "user", "ts_ms", "recorded_ms", "kind", "content_id", "request_id")
_LEARNED = (
    "request_id",
    "endpoint",
    "served_at_ms",
    "user",
    "asked",
    "experiment",
    "variant",
    "catalogue_version",
    "config_version",
    "ranker_version",
    "features",
    "slate",
)
_UNREAD: dict[str, Any] = {
    "at_ms": 0,
    "strategy": "",
    "catalogue_version": "",
    "config_version": "",
    "request": b"",
    "digest": "",
}
_UNREAD_ITEM: dict[str, Any] = {
    "score": 0,
    "kind": "recommendation",
    "generated_by": (),
    "features": (),
}


class LearningLog:
    """One log from a moment on. Blocking; to be iterated any number of times.

    Raises where it is read: OSError where the storage is away.
    """

    def __init__(self, reader: LogReader, *, since_ms: int = 0, with_draws: bool = False) -> None:
        """`with_draws` is whether it is wanted what explored answers were drawn from."""
        self._reader = reader
        self._since_ms = since_ms
        self._columns = (*_LEARNED, "drawn_from") if with_draws else _LEARNED

    def __iter__(self) -> Iterator[LoggedAnswer]:
        """The earliest day's answers first."""
        days = [day for day in self._reader.folder.days(ANSWERS.name) if day >= self._first_day]
        for day in days:
            yield from self._answers(day)

    def _answers(self, day: str) -> Iterator[LoggedAnswer]:
        """Those of a day; with its end goes what followed them."""
        outcomes = self._outcomes(day)
        for entry in self._entries(day, self._columns):
            if entry.served_at_ms >= self._since_ms and entry.user:
                yield logged_answer(entry, outcomes.of(entry))

    @property
    def _first_day(self) -> str:
        return day_of(self._since_ms)

    def _outcomes(self, day: str) -> Outcomes:
        """What followed the answers of a day, as far as it was told on it or the next."""
        outcomes = Outcomes()
        next_day = day_of(_start_ms(day) + WITHIN_MS)
        for one in (day, next_day):
            outcomes.add(self._events(one))
        for one in (day, next_day):
            for entry in self._entries(one, _SHOWN):
                outcomes.show(entry)
        outcomes.settle()
        return outcomes

    def _events(self, day: str) -> Iterator[EventEntry]:
        for path in self._reader.folder.paths(EVENTS.name, day):
            events = self._reader.folder.read(path, columns=list(_FOLLOWING))
            yield from EVENTS.entries(events.filter(pc.is_valid(events["content_id"])))

    def _entries(self, day: str, columns: Sequence[str]) -> Iterator[AnswerEntry]:
        """Those of visitors, with what was not asked for left empty."""
        folder = self._reader.folder
        for path in folder.paths(ANSWERS.name, day):
            with folder.files.open_input_file(path) as source:
                file = pq.ParquetFile(source)
                for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(columns)):
                    for row in batch.to_pylist():
                        if row["endpoint"] == _ENDPOINT:
                            yield _entry(row)


def _entry(row: dict[str, Any]) -> AnswerEntry:
    there = {name: value for name, value in row.items() if value is not None}
    slate = [_UNREAD_ITEM | item for item in there["slate"]]
    return msgspec.convert(_UNREAD | there | {"slate": slate}, AnswerEntry)


def _start_ms(day: str) -> int:
    return round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
