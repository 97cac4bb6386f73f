"""The test server, as the real client sees it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from tests.qdrant_edge.faults import Fault
from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.points_of_tests import HERE, connect, fill, ids, make
from tests.qdrant_edge.serving import serving
from tests.qdrant_edge.switches import Switches


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with quick_folder() as folder, serving(folder) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncQdrantClient]:
    client = connect(url)
    yield client
    for one in (await client.get_collections()).collections:
        await client.delete_collection(one.name)
    await client.close()


class TestCollections:
    async def test_a_collection_is_there_until_it_is_deleted(
        self, client: AsyncQdrantClient
    ) -> None:
        assert not await client.collection_exists("a.b")
        assert await make(client, "a.b", metadata={"space": "x"})
        assert await client.collection_exists("a.b")
        assert [one.name for one in (await client.get_collections()).collections] == ["a.b"]
        found = await client.get_collection("a.b")
        assert found.config.metadata == {"space": "x"}
        assert found.config.params.vectors == {
            "content": models.VectorParams(size=3, distance=models.Distance.DOT)
        }
        assert found.points_count == 0
        assert await client.delete_collection("a.b")
        assert not await client.delete_collection("a.b")
        assert not await client.collection_exists("a.b")

    async def test_errors_are_those_of_qdrant(self, client: AsyncQdrantClient) -> None:
        await make(client, "a")
        assert await _status(make(client, "a")) == 409
        assert await _status(client.get_collection("b")) == 404
        assert await _status(client.count("b")) == 404
        short = models.PointStruct(id=1, vector={"content": [1.0]})
        assert await _status(client.upsert("a", [short])) == 400
        unknown = models.PointStruct(id=1, vector={"other": [1.0]})
        assert await _status(client.upsert("a", [unknown])) == 400
        twice = models.SparseVector(indices=[1, 1], values=[1.0, 1.0])
        doubled = models.PointStruct(id=1, vector={"tags": twice})
        assert await _status(client.upsert("a", [doubled])) == 422
        assert await _status(client.set_payload("a", {"x": 1}, points=[7])) == 404
        assert await _status(client.scroll("a", order_by="unindexed")) == 400
        assert await _status(client.query_points("a", limit=0)) == 422
        assert await _status(client.facet("a", "x")) == 501

    def test_rubbish_is_refused(self, url: str) -> None:
        for body in (b"{", b"[]", b'{"points": 1}', b'{"points": [{"id": 1}]}', b'{"points": "x"}'):
            assert httpx.put(f"{url}/collections/a/points", content=body).status_code == 400
        answer = httpx.post(f"{url}/collections/a/points/scroll", content=b'{"limits": 1}')
        assert answer.status_code == 400
        assert "limits" in answer.json()["status"]["error"]

    async def test_an_alias_stands_for_a_collection(self, client: AsyncQdrantClient) -> None:
        await make(client, "one")
        await make(client, "two")
        await fill(client, "two")
        await client.update_collection_aliases([_alias("one")])
        assert await client.collection_exists("now")
        assert (await client.count("now")).count == 0
        await client.update_collection_aliases([_alias("two")])
        assert (await client.count("now")).count == 4
        [found] = (await client.get_aliases()).aliases
        assert (found.alias_name, found.collection_name) == ("now", "two")
        assert (await client.get_collection_aliases("one")).aliases == []
        assert await _status(client.update_collection_aliases([_alias("missing")])) == 404
        assert await _status(make(client, "now")) == 400
        await client.delete_collection("two")
        assert (await client.get_aliases()).aliases == []

    async def test_alias_changes_are_all_or_none(self, client: AsyncQdrantClient) -> None:
        await make(client, "one")
        gone = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name="now"))
        await client.update_collection_aliases([_alias("one")])
        assert await _status(client.update_collection_aliases([gone, _alias("missing")])) == 404
        assert await client.collection_exists("now")


class TestPoints:
    async def test_points_come_back_as_they_were_written(self, client: AsyncQdrantClient) -> None:
        await make(client, "a")
        await fill(client, "a")
        [one] = await client.retrieve("a", [2], with_payload=True, with_vectors=True)
        assert one.payload == {"n": 2, "name": "ü-😀", "hidden": False, "none": None, "place": HERE}
        assert one.vector == {
            "content": [2.0, 1.0, 0.0],
            "tags": models.SparseVector(indices=[2, 4_294_967_295], values=[1.0, 0.5]),
        }
        [one] = await client.retrieve("a", [2], with_payload=["n"], with_vectors=["content"])
        assert one.payload == {"n": 2}
        assert list(one.vector or {}) == ["content"]
        assert await client.retrieve("a", [99]) == []

    async def test_payloads_are_set_replaced_and_removed(self, client: AsyncQdrantClient) -> None:
        await make(client, "a")
        await fill(client, "a")
        await client.set_payload("a", {"n": 9}, points=[1], wait=True)
        assert (await client.retrieve("a", [1]))[0].payload == {
            "n": 9, "name": "one", "hidden": True, "none": None, "place": HERE,
        }  # fmt: skip
        await client.overwrite_payload("a", {"m": 1}, points=[1])
        await client.delete_payload("a", ["name", "hidden"], points=[2])
        assert (await client.retrieve("a", [1]))[0].payload == {"m": 1}
        assert (await client.retrieve("a", [2]))[0].payload == {"n": 2, "none": None, "place": HERE}
        done = await client.delete("a", [1, 77])
        assert done.status == models.UpdateStatus.COMPLETED
        await client.delete("a", models.Filter(must=[_is("name", "three")]))
        assert (await client.count("a")).count == 2

    async def test_a_scroll_pages_in_the_order_of_ids(self, client: AsyncQdrantClient) -> None:
        await make(client, "a")
        await fill(client, "a")
        first, following = await client.scroll("a", limit=3)
        rest, end = await client.scroll("a", limit=3, offset=following)
        assert ids(first) + ids(rest) == [1, 2, 3, 4]
        assert end is None

    async def test_a_scroll_orders_by_an_indexed_field(self, client: AsyncQdrantClient) -> None:
        await make(client, "a")
        await client.create_payload_index("a", "n", models.PayloadSchemaType.INTEGER)
        await fill(client, "a")
        newest = models.OrderBy(key="n", direction=models.Direction.DESC)
        points, _ = await client.scroll("a", limit=2, order_by=newest)
        assert [(one.id, one.order_value) for one in points] == [(4, 4), (3, 3)]
        found = (await client.get_collection("a")).payload_schema["n"]
        assert (found.data_type, found.points) == (models.PayloadSchemaType.INTEGER, 4)


class TestFaults:
    async def test_a_fault_befalls_what_it_names_as_often_as_it_says(
        self, client: AsyncQdrantClient, url: str
    ) -> None:
        switches = Switches(url)
        await make(client, "a")
        switches.fail(Fault(on="POST .*/count", status=503, times=2))
        assert [await _status(client.count("a")) for _ in range(3)] == [503, 503, None]
        assert await _status(client.get_collection("a")) is None

    async def test_a_lost_answer_is_of_a_request_that_was_carried_out(
        self, client: AsyncQdrantClient, url: str
    ) -> None:
        await make(client, "a")
        with Switches(url).failing(Fault(on="PUT .*/points", status=503, after=True)):
            assert await _status(fill(client, "a")) == 503
        assert (await client.count("a")).count == 4

    async def test_a_server_that_hangs_is_given_up(
        self, client: AsyncQdrantClient, url: str
    ) -> None:
        await make(client, "a")
        with (
            Switches(url).failing(Fault(on="/count", hang=True)),
            pytest.raises(ResponseHandlingException),
        ):
            await client.count("a", timeout=1)

    async def test_requests_are_remembered(self, client: AsyncQdrantClient, url: str) -> None:
        switches = Switches(url)
        switches.requests()
        await make(client, "a")
        await client.count("a")
        assert switches.requests() == ["PUT /collections/a", "POST /collections/a/points/count"]
        assert switches.requests() == []


async def test_a_key_is_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, api_key="secret") as url:
        stranger, friend = connect(url), connect(url, {"api-key": "secret"})
        assert await _status(stranger.get_collections()) == 401
        assert (await friend.get_collections()).collections == []
        assert (await stranger.info()).title.startswith("qdrant")
        await stranger.close()
        await friend.close()


def _alias(collection: str) -> models.CreateAliasOperation:
    made = models.CreateAlias(collection_name=collection, alias_name="now")
    return models.CreateAliasOperation(create_alias=made)


def _is(key: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


async def _status(call: object) -> int | None:
    try:
        await call  # type: ignore[misc]
    except UnexpectedResponse as exc:
        return exc.status_code
    return None
