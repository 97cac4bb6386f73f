"""Filters and queries of the test server, as the real client asks them."""

from collections.abc import AsyncIterator, Iterator

import pytest
from qdrant_client import AsyncQdrantClient, models

from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.points_of_tests import HERE, connect, fill, ids, make
from tests.qdrant_edge.serving import serving
from tests.qdrant_edge.switches import Switches

_CENTRE = models.GeoPoint(**HERE)


def _field(key: str, **condition: object) -> models.FieldCondition:
    return models.FieldCondition.model_validate({"key": key, **condition})


FILTERS = {
    "a value": (models.Filter(must=[_field("name", match={"value": "three"})]), [3]),
    "a bool": (models.Filter(must_not=[_field("hidden", match={"value": True})]), [2, 3, 4]),
    "any": (models.Filter(must=[_field("name", match={"any": ["one", "three"]})]), [1, 3]),
    "except": (models.Filter(must=[_field("n", match={"except": [1, 2]})]), [3, 4]),
    "either": (
        models.Filter(
            should=[_field("n", range={"gte": 4}), _field("name", match={"value": "ü-😀"})]
        ),
        [2, 4],
    ),
    "some of several": (
        models.Filter(
            min_should=models.MinShould(
                min_count=2,
                conditions=[_field("n", range={"gte": n}) for n in (2, 3, 4)],
            )
        ),
        [3, 4],
    ),
    "a range": (models.Filter(must=[_field("n", range={"gt": 1, "lte": 3})]), [2, 3]),
    "words": (models.Filter(must=[_field("name", match={"text": "RESISTANCE song"})]), [4]),
    "any word": (models.Filter(must=[_field("name", match={"text_any": "three song"})]), [3, 4]),
    "ids": (models.Filter(must_not=[models.HasIdCondition(has_id=[1, 3])]), [2, 4]),
    "null": (
        models.Filter(must=[models.IsNullCondition(is_null=models.PayloadField(key="none"))]),
        [1, 2, 3, 4],
    ),
    "empty": (
        models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="n"))]),
        [],
    ),
    "near": (
        models.Filter(
            must=[models.FieldCondition(
                key="place", geo_radius=models.GeoRadius(center=_CENTRE, radius=1000.0)
            )]
        ),
        [1, 2],
    ),
    "nested": (
        models.Filter(must=models.Filter(should=[_field("n", match={"value": 2})])),
        [2],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with quick_folder() as folder, serving(folder) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncQdrantClient]:
    """Of four points with their indexes."""
    client = connect(url)
    if not await client.collection_exists("a"):
        await make(client, "a")
        words = models.TextIndexParams(
            type=models.TextIndexType.TEXT, lowercase=True, ascii_folding=True
        )
        for key, schema in (
            ("name", words),
            ("n", models.PayloadSchemaType.INTEGER),
            ("place", models.PayloadSchemaType.GEO),
        ):
            await client.create_payload_index("a", key, schema, wait=True)
        await fill(client, "a")
    yield client
    await client.close()


@pytest.mark.parametrize(("where", "inside"), FILTERS.values(), ids=FILTERS)
async def test_a_filter_lets_through(
    client: AsyncQdrantClient, where: models.Filter, inside: list[int]
) -> None:
    points, _ = await client.scroll("a", scroll_filter=where)
    assert ids(points) == inside
    assert (await client.count("a", where, exact=True)).count == len(inside)
    found = await client.query_points(
        "a", query=[1.0, 0.0, 0.0], using="content", query_filter=where
    )
    assert ids(found.points) == inside[::-1]


async def test_the_nearest_of_a_vector_come_first(client: AsyncQdrantClient) -> None:
    found = await client.query_points("a", [1.0, 2.0, 0.0], using="content", limit=2, offset=1)
    # 1 + 4, 2 + 2, 3, 4 - 2
    assert [(one.id, one.score) for one in found.points] == [(2, 4.0), (3, 3.0)]
    assert found.points[0].payload == {"n": 2} | (found.points[0].payload or {})


async def test_a_sparse_vector_finds_who_shares_an_index(client: AsyncQdrantClient) -> None:
    wanted = models.SparseVector(indices=[3, 2**32 - 1], values=[0.5, 1.0])
    found = await client.query_points("a", wanted, using="tags", limit=2)
    assert [(one.id, one.score) for one in found.points] == [
        (1, 1.0),
        (3, pytest.approx(0.5 + 1 / 3)),
    ]


async def test_points_above_a_score_are_found(client: AsyncQdrantClient) -> None:
    found = await client.query_points("a", [1.0, 2.0, 0.0], using="content", score_threshold=3.5)
    assert ids(found.points) == [1, 2]


async def test_the_nearest_places_come_first(client: AsyncQdrantClient) -> None:
    away = models.GeoDistance(
        geo_distance=models.GeoDistanceParams(
            origin=models.GeoPoint(lat=55.9, lon=13.4), to="place"
        )
    )
    found = await client.query_points(
        "a",
        prefetch=models.Prefetch(limit=10),
        query=models.FormulaQuery(formula=models.NegExpression(neg=away)),
        limit=2,
    )
    assert ids(found.points) == [3, 4]
    assert found.points[0].score == pytest.approx(-44_500, rel=0.01)


async def test_queries_come_in_batches(client: AsyncQdrantClient) -> None:
    asked = [
        models.QueryRequest(query=[1.0, 0.0, 0.0], using="content", limit=1),
        models.QueryRequest(query=models.OrderByQuery(order_by="n"), limit=1, with_payload=["n"]),
    ]
    nearest, first = await client.query_batch_points("a", asked)
    assert ids(nearest.points) == [4]
    assert [one.payload for one in first.points] == [{"n": 1}]


async def test_an_optimized_collection_answers_the_same(
    client: AsyncQdrantClient, url: str
) -> None:
    Switches(url).optimize("a")
    found = await client.query_points("a", [1.0, 2.0, 0.0], using="content")
    assert ids(found.points) == [1, 2, 3, 4]
