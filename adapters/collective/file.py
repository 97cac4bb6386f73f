"""The file of the statistics of all visitors."""

from pathlib import Path

from adapters.array_file import ArrayFile
from core.collective.statistics import (
    CollectiveArrays,
    CollectiveFigures,
    CollectiveStatistics,
)

FORMAT = "1"
"""Changes with any change of what is in the file or of what it means."""
SHELF = f"collective-{FORMAT}"
"""Releases that differ in the format of the file may run side by side."""
_FILE = ArrayFile(b"ai-coll\n", FORMAT, CollectiveFigures, CollectiveArrays)


def write_statistics(statistics: CollectiveStatistics, path: Path) -> None:
    """Write the file in one step. Raises: OSError where the disk does not take it."""
    _FILE.write(statistics.figures, statistics.arrays, path)


def open_statistics(path: Path) -> CollectiveStatistics:
    """Map the file into memory and check every byte of it.

    Raises: DamagedSnapshotError for a file that is not as it was written, OSError.
    """
    figures, arrays = _FILE.open(path)
    return CollectiveStatistics(arrays=arrays, figures=figures)
