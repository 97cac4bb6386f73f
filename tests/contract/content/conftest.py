"""The content stores and repositories that the contracts run on."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.catalogue.file_repository import CatalogueFile
from adapters.memory.content_store import InMemoryContentStore
from adapters.qdrant.connection import Qdrant
from adapters.qdrant.content_store import QdrantContentStore
from adapters.qdrant.repository import QdrantContentRepository
from adapters.snapshot.file import open_snapshot, write_snapshot
from core.content import Content
from core.index.build import build_index
from core.ports import ContentRepository, ContentStore
from tests.catalogues.repository import MemoryRepository
from tests.contract.content.catalogue import CATALOGUE
from tests.contract.content.large import large_catalogue
from tests.contract.content.written import written
from tests.qdrant_edge.aliases import remove_catalogue
from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.serving import serving

MakeStore = Callable[[Sequence[Content]], Awaitable[ContentStore]]


@pytest.fixture
def make_memory_store() -> MakeStore:
    """Makes a store in memory."""

    async def make(contents: Sequence[Content]) -> ContentStore:
        return InMemoryContentStore(contents)

    return make


@pytest.fixture
async def make_qdrant_store(qdrant: Qdrant) -> AsyncIterator[MakeStore]:
    """Makes a store in Qdrant, each under a name of its own."""
    aliases: list[str] = []

    async def make(contents: Sequence[Content]) -> ContentStore:
        aliases.append(f"test-{uuid4().hex[:12]}")
        await written(QdrantContentRepository(qdrant, aliases[-1]), contents)
        return await QdrantContentStore.open(qdrant, aliases[-1])

    yield make
    for alias in aliases:
        await remove_catalogue(qdrant, alias)


@pytest.fixture
def make_snapshot_store(tmp_path: Path) -> MakeStore:
    """Makes a store in a file of its own."""

    async def make(contents: Sequence[Content]) -> ContentStore:
        return _in_file(tmp_path, contents)

    return make


@pytest.fixture(params=["memory", "snapshot", "qdrant"])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Makes a `ContentStore` of items; the next adapter is one more of the params."""
    make: MakeStore = request.getfixturevalue(f"make_{request.param}_store")
    return make


@pytest.fixture(params=["memory", "snapshot"])
def make_versioned_store(request: pytest.FixtureRequest) -> MakeStore:
    """Makes stores whose version says what their items are, and nothing else."""
    make: MakeStore = request.getfixturevalue(f"make_{request.param}_store")
    return make


@pytest.fixture(params=["memory", "snapshot", "qdrant"])
def store(request: pytest.FixtureRequest) -> ContentStore:
    """A store of the small catalogue."""
    found: ContentStore = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
async def memory_store(make_memory_store: MakeStore) -> ContentStore:
    """The small catalogue in memory."""
    return await make_memory_store(CATALOGUE)


@pytest.fixture
async def snapshot_store(make_snapshot_store: MakeStore) -> ContentStore:
    """The small catalogue in a file."""
    return await make_snapshot_store(CATALOGUE)


@pytest.fixture
async def qdrant_store(qdrant: Qdrant, qdrant_catalogue: str) -> ContentStore:
    """The small catalogue in Qdrant, which no test changes."""
    return await QdrantContentStore.open(qdrant, qdrant_catalogue)


@pytest.fixture(scope="session")
def qdrant_catalogue(qdrant_url: str) -> Iterator[str]:
    """The alias of the small catalogue: its indexes take longer than most tests."""
    yield from _kept_in_qdrant(qdrant_url, CATALOGUE)


@pytest.fixture(scope="session")
def qdrant_large_catalogue(qdrant_url: str) -> Iterator[str]:
    """The alias of the large catalogue."""
    yield from _kept_in_qdrant(qdrant_url, large_catalogue())


@pytest.fixture
async def large_qdrant_store(qdrant: Qdrant, qdrant_large_catalogue: str) -> ContentStore:
    """The large catalogue in Qdrant, which no test changes."""
    return await QdrantContentStore.open(qdrant, qdrant_large_catalogue)


@pytest.fixture(scope="session")
def large_memory_store() -> ContentStore:
    """The large catalogue in memory."""
    return InMemoryContentStore(large_catalogue())


@pytest.fixture(scope="session")
def large_snapshot_store(tmp_path_factory: pytest.TempPathFactory) -> ContentStore:
    """The large catalogue in a file."""
    return _in_file(tmp_path_factory.mktemp("snapshot"), large_catalogue())


@pytest.fixture(params=["memory", "snapshot", "qdrant"])
def large_store(request: pytest.FixtureRequest) -> ContentStore:
    """A store of the large catalogue."""
    found: ContentStore = request.getfixturevalue(f"large_{request.param}_store")
    return found


@pytest.fixture(scope="session")
def qdrant_url() -> Iterator[str]:
    """The server that QDRANT_API_URL names, else Qdrant's engine in a thread of this run."""
    if named := os.environ.get("QDRANT_API_URL"):
        yield named
        return
    with quick_folder() as folder, serving(folder) as url:
        yield url


@pytest.fixture
async def qdrant(qdrant_url: str) -> AsyncIterator[Qdrant]:
    """A client of that server."""
    qdrant = connect_qdrant(qdrant_url)
    yield qdrant
    await qdrant.aclose()


@pytest.fixture
async def alias(qdrant: Qdrant) -> AsyncIterator[str]:
    """The name of a catalogue that no other test has; nothing of it stays."""
    alias = f"test-{uuid4().hex[:12]}"
    yield alias
    await remove_catalogue(qdrant, alias)


@pytest.fixture
def qdrant_repository(qdrant: Qdrant, alias: str) -> QdrantContentRepository:
    """An empty repository; nobody reads what it replaces."""
    return QdrantContentRepository(qdrant, alias, retired_s=0.0)


@pytest.fixture
def file_repository(tmp_path: Path) -> CatalogueFile:
    """An empty repository in one file."""
    return CatalogueFile(tmp_path / "catalogue.jsonl")


@pytest.fixture
def memory_repository() -> MemoryRepository:
    """What the importer's own tests use."""
    return MemoryRepository()


@pytest.fixture(params=["memory", "file", "qdrant"])
def repository(request: pytest.FixtureRequest) -> ContentRepository:
    """An empty `ContentRepository`; the next adapter is one more of the params."""
    found: ContentRepository = request.getfixturevalue(f"{request.param}_repository")
    return found


def connect_qdrant(url: str) -> Qdrant:
    """A client of the common Qdrant."""
    return Qdrant(url, api_key=os.environ.get("QDRANT_API_KEY", ""))


def _kept_in_qdrant(url: str, contents: Sequence[Content]) -> Iterator[str]:
    """The alias of these items, for the whole run."""
    alias = f"test-{uuid4().hex[:12]}"

    async def change(work: Callable[[Qdrant], Awaitable[object]]) -> None:
        qdrant = connect_qdrant(url)
        await work(qdrant)
        await qdrant.aclose()

    asyncio.run(change(lambda one: written(QdrantContentRepository(one, alias), contents)))
    yield alias
    asyncio.run(change(lambda one: remove_catalogue(one, alias)))


def _in_file(folder: Path, contents: Sequence[Content]) -> ContentStore:
    path = folder / f"{uuid4().hex}.snapshot"
    write_snapshot(build_index(contents), path)
    return open_snapshot(path)
