"""Takes persons out of the log, wherever their rows are by then: in files, or on their way.

An erasing leaves a mark first and cleans the files after that; a writer looks for
marks before it writes a file and once more when it has. So either the erasing
sees the file, or the writer sees the mark.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from time import time

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from adapters.parquet.folder import KINDS, LogFolder
from adapters.parquet.schema import Columns

_MARKS = "erased"
_KEPT_S = 86_400.0
"""Longer than any row waits in the memory of a process."""
ALWAYS = 2**62


class RefusedPeople:
    """The marks of erased persons: up to when their rows are not to be there."""

    def __init__(self, folder: LogFolder) -> None:
        """Nothing is looked at yet."""
        self._folder = folder

    def mark(self, hashes: Sequence[str], until_ms: int) -> None:
        """Refuse their rows up to that moment."""
        files = self._folder.files
        files.create_dir(_MARKS, recursive=True)
        for one in hashes:
            with files.open_output_stream(f"{_MARKS}/{one}") as sink:
                sink.write(str(until_ms).encode())

    def without(self, kind: Columns, table: pa.Table) -> pa.Table:
        """The rows that may stay."""
        refused = self._refused()
        return table if not refused else _kept(kind, table, refused)

    def clean(self, kind: Columns, path: str) -> None:
        """Take out of a file what may not stay."""
        if refused := self._refused():
            _clean(self._folder, kind, path, refused)

    def sweep(self) -> None:
        """Let go of marks that every writer has seen."""
        for one in self._marks():
            if one.mtime is not None and time() - one.mtime.timestamp() > _KEPT_S:
                with suppress(FileNotFoundError):
                    self._folder.files.delete_file(one.path)

    def _refused(self) -> dict[str, int]:
        found = {}
        for one in self._marks():
            with (
                suppress(FileNotFoundError),
                self._folder.files.open_input_stream(one.path) as file,
            ):
                found[one.base_name] = int(file.read() or ALWAYS)
        return found

    def _marks(self) -> list[fs.FileInfo]:
        selector = fs.FileSelector(_MARKS, allow_not_found=True)
        marks: list[fs.FileInfo] = self._folder.files.get_file_info(selector)
        return marks


class ErasedRows(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of a person were found, by kind."""

    answers: int = 0
    events: int = 0


class LogErasing:
    """Finds and removes the rows of persons by their hashes. Blocking; may raise OSError."""

    def __init__(self, folder: LogFolder) -> None:
        """Keep the folder."""
        self._folder = folder
        self._refused = RefusedPeople(folder)

    def forget(self, hashes: Collection[str], until_ms: int = ALWAYS) -> ErasedRows:
        """Remove their rows up to that moment. Units: Unix milliseconds."""
        refused = dict.fromkeys(hashes, until_ms)
        self._refused.mark(list(hashes), until_ms)
        removed = {
            kind.name: sum(
                _clean(self._folder, kind, path, refused)
                for path in self._folder.every_path(kind.name)
            )
            for kind in KINDS
        }
        return ErasedRows(**removed)

    def rows(self, hashes: Collection[str]) -> Iterator[tuple[str, pa.Table]]:
        """Their rows, by the name of their kind."""
        for kind in KINDS:
            for path in self._folder.every_path(kind.name):
                theirs = _theirs(kind, self._folder.read(path, list(kind.people)), hashes)
                if pc.any(theirs).as_py():
                    yield kind.name, self._folder.read(path).filter(theirs)


def _clean(folder: LogFolder, kind: Columns, path: str, refused: Mapping[str, int]) -> int:
    """Write a file anew without refused rows, if it has any; how many."""
    try:
        people = folder.read(path, [*kind.people, kind.happened])
    except FileNotFoundError:
        return 0
    kept = _kept(kind, people, refused)
    if len(kept) == len(people):
        return 0
    if len(kept):
        folder.replace(path, _kept(kind, folder.read(path), refused))
    else:
        folder.delete(path)
    return len(people) - len(kept)


def _kept(kind: Columns, table: pa.Table, refused: Mapping[str, int]) -> pa.Table:
    gone = pa.array([False] * len(table))
    for until_ms in set(refused.values()):
        hashes = [one for one, ms in refused.items() if ms == until_ms]
        early = pc.less_equal(table[kind.happened], until_ms)
        gone = pc.or_(gone, pc.and_(_theirs(kind, table, hashes), early))
    return table.filter(pc.invert(gone))


def _theirs(kind: Columns, table: pa.Table, hashes: Collection[str]) -> pa.ChunkedArray:
    wanted = pa.array(sorted(hashes), pa.string())
    found = [pc.is_in(table[column], value_set=wanted) for column in kind.people]
    theirs = found[0]
    for one in found[1:]:
        theirs = pc.or_(theirs, one)
    return theirs
