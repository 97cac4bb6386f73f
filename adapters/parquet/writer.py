"""`LogWriter`: takes rows in no time, and writes them to files in a thread of its own.

Whatever the storage does, who puts something here does not wait: what does not
fit into the queue is dropped and counted, and so is what was waiting when the
process was killed, except that nobody is left to count it.
"""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Generic, TypeVar

import msgspec
import structlog

from adapters.handoff import Handoff
from adapters.parquet.erasing import RefusedPeople
from adapters.parquet.folder import LogFolder, day_of
from adapters.parquet.metrics import LogMetrics
from adapters.parquet.schema import E, Kind
from core.log_names import LOG_FAILED, LOG_RECOVERED

T = TypeVar("T")

_log = structlog.get_logger()


class LogPace(msgspec.Struct, frozen=True, kw_only=True):
    """When a file is written, and how much may wait meanwhile."""

    rotate_s: float = 60.0
    rows: int = 5000
    queue: int = 2000
    """Of what was put and not yet made a row: each may hold a hundred kilobytes."""
    again_s: float = 5.0
    """After which a failed file is tried again."""
    waiting_rows: int = 20_000
    """Rows that wait for a storage that is away."""


class LogWriter(Generic[T, E]):
    """One kind of entries, made from whatever is put."""

    def __init__(
        self,
        folder: LogFolder,
        kind: Kind[E],
        make: Callable[[T], Iterable[E]],
        *,
        process: str,
        pace: LogPace,
        metrics: LogMetrics,
    ) -> None:
        """`make` makes rows of what was put, in the thread; `process` is part of files' names."""
        self._folder = folder
        self._kind = kind
        self._make = make
        self._process = process
        self._pace = pace
        self._metrics = metrics
        self._refused = RefusedPeople(folder)
        self._rows: list[E] = []
        self._number = 0
        self._since_s = monotonic()
        self._again_s = 0.0
        self._failing = False
        self._handoff: Handoff[T] = Handoff(
            self._work,
            name=f"log-{kind.name}",
            most=pace.queue,
            dropped=self._drop,
            finish=self._flush,
        )

    @property
    def name(self) -> str:
        """That of the kind."""
        return self._kind.name

    def start(self) -> None:
        """Begin to write."""
        self._handoff.start()

    def put(self, one: T) -> None:
        """Have it written some time; O(1), from any thread."""
        self._handoff.put(one)

    def close(self, within_s: float = 5.0) -> None:
        """Write what is left; a storage that hangs is not waited for any longer."""
        self._handoff.close(within_s)

    def _work(self, given: Sequence[T]) -> None:
        for one in given:
            if len(self._rows) >= self._pace.waiting_rows:
                self._drop(1)
                continue
            try:
                self._rows += self._make(one)
            except Exception:
                # One that cannot be made is one row less; the others are made.
                self._drop(1)
                _log.exception(LOG_FAILED, kind=self._kind.name)
        if self._is_due():
            self._flush()

    def _drop(self, count: int) -> None:
        self._metrics.dropped(self._kind.name, count)

    def _is_due(self) -> bool:
        now_s = monotonic()
        if not self._rows:
            self._since_s = now_s
            return False
        old = now_s - self._since_s >= self._pace.rotate_s
        return now_s >= self._again_s and (old or len(self._rows) >= self._pace.rows)

    def _flush(self) -> None:
        days = _by_day(self._rows, self._kind.time)
        try:
            for day in list(days):
                self._write(day, days[day])
                del days[day]
        except Exception as exc:
            # Storage of any kind fails in its own ways; it is tried again, and rows wait.
            self._again_s = monotonic() + self._pace.again_s
            self._metrics.failed(self._kind.name)
            if not self._failing:
                _log.warning(LOG_FAILED, kind=self._kind.name, error=str(exc))
            self._failing = True
        else:
            if self._failing:
                _log.info(LOG_RECOVERED, kind=self._kind.name)
            self._failing = False
            self._since_s = monotonic()
        self._rows = [row for part in days.values() for row in part]

    def _write(self, day: str, rows: Sequence[E]) -> None:
        self._number += 1
        table = self._refused.without(self._kind, self._kind.table(rows))
        path = self._folder.write(self._kind, table, day, f"{self._process}-{self._number:06d}")
        # Who was erased while this was written is not in the look before it.
        self._refused.clean(self._kind, path)
        self._metrics.written(self._kind.name, len(rows))


def _by_day(rows: Sequence[E], time: str) -> dict[str, list[E]]:
    days: dict[str, list[E]] = {}
    for one in rows:
        days.setdefault(day_of(getattr(one, time)), []).append(one)
    return days
