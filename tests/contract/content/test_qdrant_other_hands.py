"""What others write into Qdrant beside us: noticed where it is sound, refused where it is not."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from qdrant_client import AsyncQdrantClient, models

from adapters.qdrant.collections import collection_name
from adapters.qdrant.connection import Qdrant
from adapters.qdrant.payload import DENSE, point_id
from adapters.qdrant.repository import QdrantContentRepository
from core.errors import ConfigError
from core.log_names import ITEM_UNREADABLE
from tests.contract.content.catalogue import CATALOGUE, item
from tests.contract.content.written import FULL, SPACE, scanned, stored, written

Edit = Callable[[AsyncQdrantClient], Awaitable[Any]]


class TestOtherHands:
    async def test_an_edited_payload_is_a_change(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        writer = await written(qdrant_repository, [FULL, *CATALOGUE])
        await _edit(qdrant, lambda c: c.set_payload(alias, {"hidden": True}, [point_id("bare")]))
        await _edit(qdrant, lambda c: c.set_payload(alias, {"popularity": 7}, [point_id(FULL.id)]))
        changed = await scanned(qdrant_repository, vectors=False)
        assert changed["bare"].content.rules.hidden
        assert changed[FULL.id].content.popularity == 7
        assert changed[FULL.id].content.tags["theme:Résistance"] == pytest.approx(1 / 3)
        digests = await writer.digests()
        differing = [one.id for one in (FULL, *CATALOGUE) if digests[one.id] != stored(one).digests]
        assert differing == [FULL.id, "bare"]

    async def test_hiding_an_item_changes_the_mark(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await written(qdrant_repository, CATALOGUE)
        before = await qdrant_repository.mark()
        await _edit(qdrant, lambda c: c.set_payload(alias, {"hidden": True}, [point_id("bare")]))
        assert await qdrant_repository.mark() != before
        await _edit(qdrant, lambda c: c.set_payload(alias, {"hidden": False}, [point_id("bare")]))
        assert await qdrant_repository.mark() == before

    @pytest.mark.parametrize(
        "spoilt",
        [
            {"content_id": None},
            {"content_id": "a-near"},
            {"title": 7},
            {"tags": ["music"]},
            {"location": {"lat": "north"}},
            {"popularity": "much"},
            {"numbers": "rubbish"},
        ],
        ids=str,
    )
    async def test_what_is_no_item_is_left_out_and_named(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository, spoilt: Any
    ) -> None:
        writer = await written(qdrant_repository, [item("a-near", 0), item("spoilt", 0)])
        await _edit(qdrant, lambda c: c.set_payload(alias, spoilt, [point_id("spoilt")]))
        with structlog.testing.capture_logs() as logs:
            assert list(await scanned(qdrant_repository)) == ["a-near"]
        assert [(log["event"], log["point"]) for log in logs] == [
            (ITEM_UNREADABLE, point_id("spoilt"))
        ]
        assert await qdrant_repository.get(["spoilt"]) == {}
        await writer.upsert([stored(item("spoilt", 0))])
        assert sorted(await scanned(qdrant_repository)) == ["a-near", "spoilt"]

    async def test_a_point_under_another_id_or_without_a_vector_is_left_out(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await written(qdrant_repository, [item("a", 0)])
        payload = {"content_id": "b", "title": "B"}
        points = [
            models.PointStruct(id=7, vector={DENSE: [1.0, 0.0, 0.0]}, payload=payload),
            models.PointStruct(id=point_id("b"), vector={}, payload=payload),
        ]
        await _edit(qdrant, lambda c: c.upsert(alias, points))
        assert list(await scanned(qdrant_repository)) == ["a"]

    async def test_a_point_of_the_fewest_fields_is_an_item(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await written(qdrant_repository, [])
        point = models.PointStruct(
            id=point_id("b"),
            vector={DENSE: [4000.0, 0.0, 0.0]},
            payload={"content_id": "b", "title": "B"},
        )
        await _edit(qdrant, lambda c: c.upsert(alias, [point]))
        [found] = (await scanned(qdrant_repository)).values()
        assert (found.content.title, found.content.tags) == ("B", {})

    async def test_a_collection_under_the_name_of_the_alias_is_refused(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await _make(qdrant, alias)
        try:
            with pytest.raises(ConfigError, match="QDRANT_COLLECTION"):
                await qdrant_repository.open(vector_space=SPACE, dim=3)
            with pytest.raises(ConfigError, match=alias):
                await qdrant_repository.mark()
        finally:
            await _edit(qdrant, lambda c: c.delete_collection(alias))

    async def test_a_collection_that_does_not_say_its_space_is_refused(
        self, qdrant: Qdrant, alias: str, qdrant_repository: QdrantContentRepository
    ) -> None:
        await _make(qdrant, collection_name(alias, SPACE))
        with pytest.raises(ConfigError, match=r"1\.16"):
            await qdrant_repository.open(vector_space=SPACE, dim=3)


async def _edit(qdrant: Qdrant, edit: Edit) -> None:
    await qdrant.write("writing by other hands", edit)


async def _make(qdrant: Qdrant, name: str) -> None:
    params = {DENSE: models.VectorParams(size=3, distance=models.Distance.DOT)}
    await _edit(qdrant, lambda c: c.create_collection(name, vectors_config=params))
