"""The file of a catalogue's snapshot: an index's arrays, to be searched where they are."""

from pathlib import Path

from adapters.array_file import ArrayFile
from core.index.arrays import Figures, IndexArrays
from core.index.build import BuiltIndex
from core.index.contents import IndexedContents

FORMAT = "2"
"""Changes with any change of what is in the file or of what it means."""
_FILE = ArrayFile(b"ai-snap\n", FORMAT, Figures, IndexArrays)


class SnapshotContentStore(IndexedContents):
    """A catalogue in a file that is mapped into memory, shared by a machine's processes."""

    def edition(self) -> "SnapshotContentStore":
        """The store itself: it never changes."""
        return self


def write_snapshot(index: BuiltIndex, path: Path) -> None:
    """Write the file in one step. Raises: OSError where the disk does not take it."""
    _FILE.write(index.figures, index.arrays, path)


def open_snapshot(path: Path) -> SnapshotContentStore:
    """Map the file into memory and check every byte of it.

    Raises: DamagedSnapshotError for a file that is not as it was written, OSError.
    """
    figures, arrays = _FILE.open(path)
    return SnapshotContentStore(BuiltIndex(arrays=arrays, figures=figures))
