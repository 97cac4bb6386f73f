"""`LogFolder`: where the log lies, a directory or an object store, as days of files.

`<kind>/day=2026-12-01/<name>.parquet`. A file appears whole: it is written under
a name that nobody reads, and then gets its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from adapters.parquet.schema import ANSWERS, EVENTS, Columns
from core.errors import ConfigError

_SUFFIX = ".parquet"
_ROWS_A_GROUP = 2000
"""So few have to be read to find one answer."""
KINDS: tuple[Columns, ...] = (ANSWERS, EVENTS)


class LogFolder:
    """Files of the log. Blocking, and every method may raise OSError."""

    def __init__(self, files: fs.SubTreeFileSystem) -> None:
        """Paths are relative to the root of `files`."""
        self.files = files

    @classmethod
    def of(cls, url: str) -> "LogFolder":
        """A folder, or what pyarrow reads by an address such as `s3://bucket/log`.

        Raises: ConfigError for an address that it does not know.
        """
        try:
            address = url if "://" in url else Path(url).absolute().as_uri()
            files, path = fs.FileSystem.from_uri(address)
        except (pa.ArrowInvalid, ValueError) as exc:
            raise ConfigError(f"LOG_URL={url!r}: {exc}") from exc
        if isinstance(files, fs.LocalFileSystem):
            Path(path).mkdir(parents=True, exist_ok=True)
        return cls(fs.SubTreeFileSystem(path, files))

    @property
    def local(self) -> Path | None:
        """The folder of this machine, None of an object store."""
        base = self.files.base_fs
        return Path(self.files.base_path) if isinstance(base, fs.LocalFileSystem) else None

    def days(self, kind: str) -> list[str]:
        """The days that there are files of, earliest first, as `2026-12-01`."""
        found = self._listed(kind)
        names = (one.base_name for one in found if one.type == fs.FileType.Directory)
        return sorted(name.removeprefix("day=") for name in names if name.startswith("day="))

    def paths(self, kind: str, day: str) -> list[str]:
        """The files of a day."""
        found = self._listed(f"{kind}/day={day}")
        return sorted(one.path for one in found if one.path.endswith(_SUFFIX))

    def every_path(self, kind: str) -> Iterator[str]:
        """All files of a kind, the earliest day's first."""
        for day in self.days(kind):
            yield from self.paths(kind, day)

    def write(self, kind: Columns, table: pa.Table, day: str, name: str) -> str:
        """Add a file; its path."""
        folder = f"{kind.name}/day={day}"
        self.files.create_dir(folder, recursive=True)
        path = f"{folder}/{name}{_SUFFIX}"
        self.replace(path, table.sort_by(kind.order))
        return path

    def replace(self, path: str, table: pa.Table) -> None:
        """Write a file, in one step."""
        part = f"{path}.{uuid4().hex[:8]}.part"
        try:
            with self.files.open_output_stream(part) as sink:
                pq.write_table(table, sink, compression="zstd", row_group_size=_ROWS_A_GROUP)
            self.files.move(part, path)
        except BaseException:
            with suppress(OSError):
                self.files.delete_file(part)
            raise

    def read(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A file, or some of its columns."""
        return pq.read_table(path, columns=columns, filesystem=self.files, partitioning=None)

    def delete(self, path: str) -> None:
        """Remove a file; one that is gone is no error."""
        with suppress(FileNotFoundError):
            self.files.delete_file(path)

    def size(self, kind: str, day: str) -> int:
        """Bytes of a day."""
        return sum(one.size or 0 for one in self._listed(f"{kind}/day={day}"))

    def drop_day(self, kind: str, day: str) -> None:
        """Remove a day; one that is gone is no error."""
        with suppress(FileNotFoundError):
            self.files.delete_dir(f"{kind}/day={day}")

    def _listed(self, path: str) -> list[fs.FileInfo]:
        selector = fs.FileSelector(path, allow_not_found=True)
        found: list[fs.FileInfo] = self.files.get_file_info(selector)
        return found


def day_of(ms: int) -> str:
    """The day of a moment, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
