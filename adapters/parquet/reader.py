"""`LogReader`: the log as entries, day by day or one by its id."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.parquet.folder import LogFolder, day_of
from adapters.parquet.schema import ANSWERS, Columns, E, Kind
from core.answer_log.entry import AnswerEntry
from core.policies.contexts import time_of_request

_MS_PER_DAY = 86_400_000
_ID = re.compile("[0-9a-f]{32}")


class LogReader:
    """Reads. Blocking, and methods may raise OSError."""

    def __init__(self, folder: LogFolder) -> None:
        """Keep the folder."""
        self.folder = folder

    def tables(self, kind: Columns, *, since_ms: int = 0) -> Iterator[pa.Table]:
        """The rows of every file, the earliest day's first."""
        for day in self.folder.days(kind.name):
            if day < day_of(since_ms):
                continue
            for path in self.folder.paths(kind.name, day):
                try:
                    yield self.folder.read(path)
                except FileNotFoundError:
                    continue  # it was retired, or written anew, meanwhile

    def entries(self, kind: Kind[E], *, since_ms: int = 0) -> Iterator[E]:
        """The entries of every file."""
        for table in self.tables(kind, since_ms=since_ms):
            yield from kind.entries(table)

    def find(self, request_id: str) -> AnswerEntry | None:
        """The latest entry of an answer: that of its own day is looked for first."""
        if _ID.fullmatch(request_id) is None:
            return None
        for day in self._days(request_id):
            for path in reversed(self.folder.paths(ANSWERS.name, day)):
                found = self._in_file(path, request_id)
                if found is not None:
                    return found
        return None

    def _days(self, request_id: str) -> list[str]:
        days = self.folder.days(ANSWERS.name)[::-1]
        at_ms = time_of_request(request_id)
        own = [] if at_ms is None else [day_of(at_ms), day_of(at_ms + _MS_PER_DAY)]
        return [*(one for one in own if one in days), *(one for one in days if one not in own)]

    def _in_file(self, path: str, request_id: str) -> AnswerEntry | None:
        try:
            with self.folder.files.open_input_file(path) as source:
                file = pq.ParquetFile(source)
                for group in _groups(file, request_id):
                    ids = file.read_row_group(group, columns=[ANSWERS.order])
                    if pc.any(pc.equal(ids[ANSWERS.order], request_id)).as_py():
                        rows = file.read_row_group(group)
                        rows = rows.filter(pc.equal(rows[ANSWERS.order], request_id))
                        return list(ANSWERS.entries(rows))[-1]
        except FileNotFoundError:
            return None
        return None


def _groups(file: pq.ParquetFile, request_id: str) -> Iterator[int]:
    """The groups of rows that the id may be in: rows are sorted by it."""
    column = file.schema_arrow.get_field_index(ANSWERS.order)
    for group in range(file.num_row_groups):
        statistics = file.metadata.row_group(group).column(column).statistics
        if statistics is None or statistics.min <= request_id <= statistics.max:
            yield group
