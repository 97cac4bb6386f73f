"""An import into Qdrant that ends at any of its writes, and once more: as if it had never ended."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from adapters.embedding.hashed import HashedEmbedder
from adapters.qdrant.collections import others
from adapters.qdrant.connection import Qdrant
from adapters.qdrant.repository import QdrantContentRepository
from core.content import Content
from core.errors import RejectedError
from core.importing.importer import ContentImporter, ImportRow
from tests.contract.content.catalogue import CATALOGUE, item
from tests.contract.content.written import OTHER_SPACE, scanned, stored, written
from tests.qdrant_edge.aliases import remove_catalogue
from tests.qdrant_edge.faults import Fault
from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.serving import serving
from tests.qdrant_edge.switches import Switches

WRITES = (
    "^PUT /collections/[^/]*(/points)?$|/points/delete|^POST /collections/aliases|^DELETE /coll"
)
SERVED = [item("old", 0), item("bare", 10)]
FILE = [Content(id=one.id, title=one.title, text=one.text, tags=one.tags) for one in CATALOGUE]
MOVED = (1 + 3) + (2 + 1)
"""Writes of a first import: a collection and three batches, two aliases, the former collection."""
CHANGED = 1 + 1
"""Writes of a second one in place: one batch, one deletion."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of these tests, to spoil."""
    with quick_folder() as folder, serving(folder) as url:
        yield url


class Catalogue:
    """A name in Qdrant, imports into it, and what stands there."""

    def __init__(self, qdrant: Qdrant, alias: str) -> None:
        self.alias = alias
        self._qdrant = qdrant
        self.repository = QdrantContentRepository(qdrant, alias, retired_s=0.0)

    async def bring(self, contents: Sequence[Content]) -> None:
        rows = [ImportRow(content=content) for content in contents]
        importer = ContentImporter(self.repository, HashedEmbedder(), lambda: iter(rows))
        await importer.run(await importer.plan(), prune=True, may_move=True, batch=3)

    async def state(self) -> dict[str, Any]:
        """Everything but when it was written."""
        points, _ = await self._qdrant.read(
            "looking", lambda c: c.scroll(self.alias, limit=99, with_vectors=True)
        )
        shown = {str(one.id): (one.payload, one.vector) for one in points}
        for payload, _ in shown.values():
            (payload or {}).pop("changed_ms")
        collections = await others(self._qdrant, self.alias, "")
        return shown | {"collections": [one.rpartition(".")[2] for one in collections]}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
class TestKilledImports:
    async def test_a_new_catalogue_is_the_same_wherever_the_first_try_ended(
        self, url: str, *, after: bool
    ) -> None:
        await _compare(url, SERVED, FILE, MOVED, after=after)

    async def test_a_changed_catalogue_is_the_same_wherever_the_first_try_ended(
        self, url: str, *, after: bool
    ) -> None:
        changed = [*FILE[2:], Content(id="new", title="New")]
        await _compare(url, FILE, changed, CHANGED, after=after)


async def test_an_edit_leaves_what_is_being_built_beside_it(url: str) -> None:
    qdrant = Qdrant(url)
    repository = QdrantContentRepository(qdrant, "edited", retired_s=0.0)
    writer = await written(repository, SERVED)
    building = await repository.open(vector_space=OTHER_SPACE, dim=3)
    await building.upsert([stored(item("new", 0))])
    await writer.delete(["old"])
    await writer.commit()
    await building.upsert([stored(item("newer", 0))])
    await building.commit()
    assert sorted(await scanned(repository)) == ["new", "newer"]
    assert len(await others(qdrant, "edited", "")) == 1
    await remove_catalogue(qdrant, "edited")
    await qdrant.aclose()


async def _compare(
    url: str, served: Sequence[Content], brought: Sequence[Content], writes: int, *, after: bool
) -> None:
    qdrant, switches = Qdrant(url, pauses_s=()), Switches(url)
    states = []
    for done in (writes, *range(writes)):
        catalogue = Catalogue(qdrant, f"kill-{done}")
        if served is SERVED:
            await written(catalogue.repository, served)
        else:
            await catalogue.bring(served)
        switches.fail(Fault(on=WRITES, times=done))
        switches.fail(Fault(on=WRITES, status=400, after=after))
        if done < writes:
            with pytest.raises(RejectedError):
                await catalogue.bring(brought)
            switches.heal()
        # Once more; of a clean run this is the only time, and its writes are counted.
        await catalogue.bring(brought)
        switches.heal()
        assert sorted(await scanned(catalogue.repository)) == sorted(one.id for one in brought)
        states.append(await catalogue.state())
        await remove_catalogue(qdrant, catalogue.alias)
    assert all(state == states[0] for state in states)
    await qdrant.aclose()
