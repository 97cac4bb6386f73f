"""What the catalogue read from Qdrant holds beyond the contract: it is exact, and it is live."""

import asyncio
import hashlib
from itertools import count

import pytest
from qdrant_client import models

from adapters.qdrant.connection import Qdrant
from adapters.qdrant.content_store import QdrantContentStore
from adapters.qdrant.payload import DENSE, point_id
from adapters.qdrant.repository import QdrantContentRepository
from core.content import ContentFilter
from core.errors import ConfigError, RejectedError, RetryableError
from core.ports import ContentStore
from tests.contract.content.catalogue import CATALOGUE, EAST, OPEN, ids, item
from tests.contract.content.large import brute_force, closeness, large_catalogue, shared_tags
from tests.contract.content.test_content_store_large import TAGS, WHERE
from tests.contract.content.written import OTHER_SPACE, SPACE, stored, written


class TestQdrantContentStoreIsExact:
    @pytest.mark.parametrize("where", WHERE.values(), ids=WHERE)
    @pytest.mark.parametrize("limit", [1, 5, 300])
    async def test_ties_at_the_limit_are_those_of_brute_force(
        self, large_qdrant_store: ContentStore, where: ContentFilter, limit: int
    ) -> None:
        vector = large_catalogue()[3].vector
        found = ids(await large_qdrant_store.search_vector(vector, limit=limit, where=where))
        assert found == brute_force(closeness(vector), limit, where)
        found = ids(await large_qdrant_store.search_tags(TAGS, limit=limit, where=where))
        assert found == brute_force(shared_tags(TAGS), limit, where)

    async def test_thousands_of_ties_are_broken_by_id(
        self, large_qdrant_store: ContentStore
    ) -> None:
        tags = {"city:city3": 1.0}
        found = ids(await large_qdrant_store.search_tags(tags, limit=20, where=OPEN))
        assert found == brute_force(shared_tags(tags), 20, OPEN)
        nowhere = 0 * large_catalogue()[0].vector
        found = ids(await large_qdrant_store.search_vector(nowhere, limit=20, where=OPEN))
        assert found == brute_force(closeness(nowhere), 20, OPEN)

    async def test_tags_that_share_a_number_are_two(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        one, other = _tags_of_one_number()
        items = [item("a", 0, {one: 0.5}), item("b", 0, {other: 1.0}), item("c", 0, [one, other])]
        await written(qdrant_repository, items)
        store = await QdrantContentStore.open(qdrant, alias)
        assert ids(await store.search_tags({one: 1.0}, limit=9, where=OPEN)) == ["c", "a"]
        assert ids(await store.search_tags({one: 1.0}, limit=1, where=OPEN)) == ["c"]
        assert ids(await store.search_tags({other: 1.0}, limit=9, where=OPEN)) == ["b", "c"]


class TestQdrantContentStoreIsLive:
    async def test_there_must_be_a_catalogue(self, qdrant: Qdrant, alias: str) -> None:
        with pytest.raises(ConfigError, match="content import"):
            await QdrantContentStore.open(qdrant, alias)

    async def test_what_is_written_is_found_at_once_and_noticed_at_a_refresh(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        writer = await written(qdrant_repository, CATALOGUE)
        store = await QdrantContentStore.open(qdrant, alias)
        before = store.version
        assert not await store.refresh()
        await writer.upsert([stored(item("e-far", 0))])
        await writer.delete(["a-near"])
        found = ids(await store.search_vector(EAST, limit=3, where=OPEN))
        assert found == ["e-far", "b-near", "nowhere"]
        assert list(await store.get(["a-near", "e-far"])) == ["e-far"]
        assert store.version == before
        assert await store.refresh()
        assert store.version != before

    async def test_an_edition_stays_when_another_space_is_served(
        self, qdrant: Qdrant, alias: str
    ) -> None:
        repository = QdrantContentRepository(qdrant, alias, retired_s=1.0)
        await written(repository, [item("old", 0)])
        store = await QdrantContentStore.open(qdrant, alias)
        edition = store.edition()
        other = await repository.open(vector_space=OTHER_SPACE, dim=2)
        new = item("new", 0)
        new = type(new)(id="new", title="New", vector=new.vector[:2])
        await other.upsert([stored(new)])

        async with asyncio.TaskGroup() as group:
            group.create_task(other.commit())
            while not await store.refresh():  # noqa: ASYNC110 - Qdrant tells nobody
                await asyncio.sleep(0.01)
            assert store.vector_space == OTHER_SPACE
            assert ids(await store.search_vector(EAST[:2], limit=9, where=OPEN)) == ["new"]
            assert edition.vector_space == SPACE
            assert ids(await edition.search_vector(EAST, limit=9, where=OPEN)) == ["old"]
        with pytest.raises(RetryableError, match="replaced"):
            await edition.search_vector(EAST, limit=9, where=OPEN)
        with pytest.raises(RejectedError, match="dim"):
            await store.search_vector(EAST, limit=9, where=OPEN)

    async def test_what_others_hide_is_out_at_once(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await written(qdrant_repository, CATALOGUE)
        store = await QdrantContentStore.open(qdrant, alias)
        hide: list[models.ExtendedPointId] = [point_id("a-near")]
        await qdrant.write("hiding", lambda c: c.set_payload(alias, {"hidden": True}, hide))
        assert ids(await store.search_vector(EAST, limit=1, where=OPEN)) == ["b-near"]

    async def test_a_language_written_without_its_keys_is_left_out_too(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        # As former releases wrote it, and other hands do.
        await written(qdrant_repository, CATALOGUE)
        store = await QdrantContentStore.open(qdrant, alias)
        keyless = models.FilterSelector(filter=models.Filter())
        await qdrant.write(
            "spoiling", lambda c: c.delete_payload(alias, ["language_keys"], keyless)
        )
        where = ContentFilter(language="fr")
        allowed = sorted(one.id for one in CATALOGUE if where.allows(one))
        assert len(allowed) == 4
        found = {
            "vector": await store.search_vector(EAST, limit=4, where=where),
            "sample": await store.sample(limit=4, seed=1, where=where),
            "text": await store.search_text("about", limit=4, where=where),
        }
        assert {name: sorted(ids(rows)) for name, rows in found.items()} == dict.fromkeys(
            found, allowed
        )

    async def test_an_item_that_others_spoilt_is_no_answer(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await written(qdrant_repository, CATALOGUE)
        store = await QdrantContentStore.open(qdrant, alias)
        foreign = models.PointStruct(id=7, vector={DENSE: EAST.tolist()}, payload={})
        await qdrant.write("spoiling", lambda c: c.upsert(alias, [foreign]))
        found = ids(await store.search_vector(EAST, limit=3, where=OPEN))
        assert found == ["a-near", "b-near", "nowhere"]


def _tags_of_one_number() -> tuple[str, str]:
    """Two whose hashes of 32 bits are equal; some 80,000 tries find them."""
    seen: dict[bytes, str] = {}
    for number in count():
        tag = f"theme:t{number}"
        hashed = hashlib.blake2b(tag.encode(), digest_size=4).digest()
        if hashed in seen:
            return seen[hashed], tag
        seen[hashed] = tag
    raise AssertionError
