"""Keeps the log within its bounds: days, bytes, and how long answers can be made again."""

import msgspec

from adapters.parquet.editions import Editions
from adapters.parquet.erasing import RefusedPeople
from adapters.parquet.folder import KINDS, LogFolder, day_of

_MS_PER_DAY = 86_400_000
_MB = 1_000_000


class LogBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How far back the log reaches, and how large each kind may get."""

    days: int
    max_mb: int
    replay_days: int


def retire(folder: LogFolder, bounds: LogBounds, *, now_ms: int) -> None:
    """Remove what is past the bounds, the earliest days first. Raises: OSError."""
    first = day_of(now_ms - bounds.days * _MS_PER_DAY)
    for kind in KINDS:
        room = bounds.max_mb * _MB
        for day in reversed(folder.days(kind.name)):
            room -= folder.size(kind.name, day)
            # The day that is being written stays, whatever its size.
            if day < first or (room < 0 and day != day_of(now_ms)):
                folder.drop_day(kind.name, day)
    Editions(folder).sweep(bounds.replay_days)
    RefusedPeople(folder).sweep()
