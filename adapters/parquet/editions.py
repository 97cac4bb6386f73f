"""`Editions`: the catalogues, statistics and policies that logged answers were made from.

Each lies under its version, once for all processes, and beside it a mark that is
renewed as long as answers refer to it.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, time

from pyarrow import fs

from adapters.parquet.folder import LogFolder
from core.answer_log.editions import EditionKind
from core.errors import RejectedError

_FOLDER = "editions"
_USED = ".used"
_RENEW_EVERY_S = 3600.0
_DAY_S = 86_400.0


class Editions:
    """Those of one log. Blocking, and methods may raise OSError."""

    def __init__(self, folder: LogFolder) -> None:
        """Nothing is known to be there."""
        self._files = folder.files
        self._renewed: dict[str, float] = {}

    def keep(self, kind: EditionKind, version: str, write: Callable[[Path], None]) -> None:
        """Have it there: `write` makes its file where no process has done so yet."""
        name = f"{_FOLDER}/{kind}-{version}"
        if monotonic() - self._renewed.get(name, -_RENEW_EVERY_S) < _RENEW_EVERY_S:
            return
        self._files.create_dir(_FOLDER, recursive=True)
        if self._files.get_file_info(name).type == fs.FileType.NotFound:
            with TemporaryDirectory(prefix="ai-engine-edition-") as scratch:
                made = Path(scratch) / "edition"
                write(made)
                with made.open("rb") as source:
                    part = f"{name}.part-{id(self)}-{time():.0f}"
                    with self._files.open_output_stream(part) as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)
                    self._files.move(part, name)
        with self._files.open_output_stream(f"{name}{_USED}") as sink:
            sink.write(b"")
        self._renewed[name] = monotonic()

    @contextmanager
    def opened(self, kind: EditionKind, version: str) -> Iterator[Path]:
        """A copy of it on this machine. Raises: RejectedError where it is not kept (any more)."""
        name = f"{_FOLDER}/{kind}-{version}"
        with TemporaryDirectory(prefix="ai-engine-edition-") as scratch:
            copied = Path(scratch) / "edition"
            try:
                with self._files.open_input_stream(name) as source, copied.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
            except FileNotFoundError:
                raise RejectedError(
                    f"the {kind} {version} is not kept any more: REPLAY_DAYS says how long it is"
                ) from None
            yield copied

    def sweep(self, days: float) -> None:
        """Remove what no answer has been made from for so long."""
        found = self._files.get_file_info(fs.FileSelector(_FOLDER, allow_not_found=True))
        for one in found:
            if one.path.endswith(_USED) and time() - one.mtime.timestamp() > days * _DAY_S:
                for path in (one.path.removesuffix(_USED), one.path):
                    with suppress(FileNotFoundError):
                        self._files.delete_file(path)
