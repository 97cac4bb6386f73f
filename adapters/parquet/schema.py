"""The columns of the log, and entries as their rows."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa

from core.answer_log.entry import AnswerEntry, EventEntry

E = TypeVar("E", bound=msgspec.Struct)

_STRINGS = pa.list_(pa.string())
_SHOWN = pa.struct(
    [
        ("content_id", pa.string()),
        ("score", pa.int64()),
        ("kind", pa.string()),
        ("generated_by", _STRINGS),
        ("features", pa.list_(pa.float64())),
    ]
)
_DRAWN_FROM = pa.struct(
    [
        ("kind", pa.string()),
        ("seed", pa.int64()),
        ("temperature", pa.float64()),
        ("candidates", _STRINGS),
        ("scores", pa.list_(pa.int64())),
        ("values", pa.binary()),
    ]
)


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """One sort of rows: its folder, its columns, and which of them hold hashes of visitors.

    `time` is the column that says the day that a row lies in, `happened` the one that
    says when it was, `order` the one by which a file is sorted.
    """

    name: str
    schema: Any
    time: str
    happened: str
    people: tuple[str, ...]
    order: str


class Kind(Columns, Generic[E], frozen=True, kw_only=True):
    """The same with the entries that rows are made from."""

    entry: type[E]

    def table(self, entries: Sequence[E]) -> pa.Table:
        """Entries as rows."""
        rows = [msgspec.to_builtins(one, builtin_types=(bytes,)) for one in entries]
        return pa.Table.from_pylist(rows, schema=self.schema)

    def entries(self, table: pa.Table) -> Iterator[E]:
        """Rows as entries; columns that are missing are as by default."""
        for row in table.to_pylist():
            yield msgspec.convert(_without_nulls(row), self.entry)


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


ANSWERS: Kind[AnswerEntry] = Kind(
    name="answers",
    entry=AnswerEntry,
    schema=pa.schema(
        [
            ("request_id", pa.string()),
            ("endpoint", pa.string()),
            ("served_at_ms", pa.int64()),
            ("at_ms", pa.int64()),
            ("user", pa.string()),
            ("asked", pa.string()),
            ("experiment", pa.string()),
            ("variant", pa.string()),
            ("strategy", pa.string()),
            ("degraded", _STRINGS),
            ("model_revision", pa.int64()),
            ("catalogue_version", pa.string()),
            ("collective_version", pa.string()),
            ("config_version", pa.string()),
            ("ranker_version", pa.string()),
            ("features", _STRINGS),
            ("slate", pa.list_(_SHOWN)),
            ("drawn_from", _DRAWN_FROM),
            ("request", pa.binary()),
            ("model", pa.binary()),
            ("digest", pa.string()),
        ]
    ),
    time="served_at_ms",
    happened="served_at_ms",
    people=("user", "asked"),
    order="request_id",
)

EVENTS: Kind[EventEntry] = Kind(
    name="events",
    entry=EventEntry,
    schema=pa.schema(
        [
            ("message_id", pa.string()),
            ("user", pa.string()),
            ("ts_ms", pa.int64()),
            ("recorded_ms", pa.int64()),
            ("kind", pa.string()),
            ("content_id", pa.string()),
            ("request_id", pa.string()),
            ("session", pa.string()),
            ("reason", pa.string()),
            ("dwell_seconds", pa.float64()),
            ("rating", pa.float64()),
            ("strength", pa.float64()),
            ("impressions", _STRINGS),
        ]
    ),
    time="recorded_ms",
    happened="ts_ms",
    people=("user",),
    order="ts_ms",
)
