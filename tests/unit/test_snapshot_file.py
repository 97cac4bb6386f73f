"""The file of a snapshot: the same bytes for the same items, and no damage goes unnoticed."""

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from adapters.array_file import DamagedSnapshotError
from adapters.snapshot.file import open_snapshot, write_snapshot
from core.content import Content, ContentRules
from core.errors import RejectedError
from core.index.build import build_index
from core.vectors import to_grid
from tests.contract.content.catalogue import CATALOGUE, whole

ITEMS = (
    *CATALOGUE,
    Content(
        id="grouped",
        title="A title",
        rules=ContentRules(together="g", pinned=2, valid_from_ms=5, hidden=True),
        related={"bare": 0.5, "gone": 1.0},
        popularity=2.5,
        vector=to_grid([1.0, 2.0, 3.0]),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "snapshots" / "one.snapshot"
    write_snapshot(build_index(ITEMS, "space"), written)
    return written


def many_items(count: int) -> Iterator[Content]:
    """Enough for cells, from numbers that are the same everywhere."""
    for number in range(count):
        spread = [(number * step) % 997 - 498 for step in (7, 31, 101, 257)]
        yield Content(
            id=f"item {number}",
            title=f"Title {number % 60}",
            tags={f"theme:{number % 7}": 1.0, f"city:{number * number % 5}": 0.3},
            language=("de", "de-AT", None)[number % 3],
            vector=to_grid(spread),
        )


def test_what_is_read_is_what_was_written(path: Path) -> None:
    store = open_snapshot(path)
    assert (len(store), store.vector_space) == (len(ITEMS), "space")
    assert store.version == build_index(ITEMS, "space").figures.version
    in_order = sorted(ITEMS, key=lambda one: one.id)
    by_id = sorted(store.columns.contents, key=lambda one: one.id)
    assert whole(by_id) == whole(in_order)


async def test_an_empty_catalogue_is_one_too(tmp_path: Path) -> None:
    write_snapshot(build_index(()), tmp_path / "none")
    store = open_snapshot(tmp_path / "none")
    assert len(store) == 0
    assert await store.get(["a"]) == {}


def test_the_order_of_the_items_changes_no_byte(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_snapshot(build_index(reversed(ITEMS), "space"), other)
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kernels", ["Haswell", "Nehalem", "Prescott"])
def test_the_bytes_are_the_same_on_every_machine(kernels: str) -> None:
    # With the instructions of other processors; of another architecture the name says nothing.
    environ = os.environ | {"OPENBLAS_CORETYPE": kernels, "OPENBLAS_NUM_THREADS": "2"}
    program = "from tests.unit.test_snapshot_file import print_digest; print_digest()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    # Another digest is another format: then FORMAT changes too.
    assert done.stdout == "c8ca070e8689a1bb"


def print_digest() -> None:
    """The digest of the file of many items."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "many"
        write_snapshot(build_index(many_items(5_000)), path)
        sys.stdout.write(hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest())


def test_what_was_cut_off_or_added_to_is_refused(path: Path) -> None:
    written = path.read_bytes()
    for length in {0, 1, 19, 20, 64, *range(100, len(written), 997), len(written) - 1}:
        _refused(path, written[:length])
    _refused(path, written + b"\0")


def test_any_other_bit_is_refused(path: Path) -> None:
    written = path.read_bytes()
    for place in {*range(100), *range(100, len(written), 61), len(written) - 1}:
        damaged = bytearray(written)
        damaged[place] ^= 1 << place % 8
        _refused(path, bytes(damaged))


@pytest.mark.parametrize(
    "content", [b'{"id": 1}\n' * 50, b"\x00" * 4_096, b"PK\x03\x04" + b"x" * 900]
)
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    _refused(path, content, "is no snapshot")


def test_another_format_is_refused_by_its_name(path: Path) -> None:
    written = bytearray(path.read_bytes())
    written[8:12] = (77).to_bytes(4, "little")
    _refused(path, bytes(written), "of format 77")


def test_a_file_that_is_not_there_is_another_matter(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_snapshot(tmp_path / "none")


def test_what_is_refused_is_closed(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    before = len(list(Path("/proc/self/fd").iterdir())) if _HAS_PROC else 0
    with pytest.raises(DamagedSnapshotError) as refused:
        open_snapshot(path)
    if _HAS_PROC:  # even while the error, and with it every local variable, is still held
        assert refused.value
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert str(path) not in Path("/proc/self/maps").read_text()


def test_a_file_may_go_while_it_is_read_and_its_mapping_goes_with_the_store(path: Path) -> None:
    store = open_snapshot(path)
    path.unlink()
    assert store.columns.contents[0].title
    if _HAS_PROC:
        assert str(path) in Path("/proc/self/maps").read_text()
        del store
        assert str(path) not in Path("/proc/self/maps").read_text()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    written = path.read_bytes()
    with _no_more_than(2_048), pytest.raises(OSError, match="too large"):
        write_snapshot(build_index(CATALOGUE), path)
    assert path.read_bytes() == written
    assert list(path.parent.iterdir()) == [path]


_HAS_PROC = Path("/proc/self/maps").exists()


def _refused(path: Path, content: bytes, why: str | None = None) -> None:
    path.write_bytes(content)
    with pytest.raises(RejectedError, match=why):
        open_snapshot(path)


@contextmanager
def _no_more_than(size: int) -> Iterator[None]:
    """A disk with no room for larger files: Python ignores the signal, so the write fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
