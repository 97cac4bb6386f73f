"""What every `ContentStore` holds of a catalogue of 20,000 items: what brute force finds.

Searches of vectors and tags may miss one of twenty; everything else is exact.
"""

import pytest

from core.content import ContentFilter
from core.geo import GeoPoint
from core.ports import ContentStore
from tests.contract.content.catalogue import HERE, KM, OPEN, ids
from tests.contract.content.large import (
    Worth,
    brute_force,
    closeness,
    large_catalogue,
    nearness,
    popularity,
    shared_tags,
)

RECALL = 0.95
WHERE = {
    "everywhere": OPEN,
    "in two cities": ContentFilter(tags=("city:city 1", "city:city 2")),
    "of a theme nearby": ContentFilter(
        tags=("theme:thema 4",), near=GeoPoint(HERE.lat + 5 * KM, HERE.lon), radius_m=20_000
    ),
    "in a language, without a city": ContentFilter(
        language="de-AT", without=("city:city 2", "theme:thema 7")
    ),
    "in a rare language": ContentFilter(language="en"),
    "unseen": ContentFilter(exclude=frozenset(one.id for one in large_catalogue()[::3])),
}
VECTOR = large_catalogue()[17].vector
TAGS = {"theme:thema3": 1.0, "theme:thema7": 0.75, "city:city2": 0.125}


@pytest.mark.parametrize("where", WHERE.values(), ids=WHERE)
class TestLargeContentStore:
    @pytest.mark.parametrize("limit", [10, 300])
    async def test_vectors(
        self, large_store: ContentStore, where: ContentFilter, limit: int
    ) -> None:
        found = ids(await large_store.search_vector(VECTOR, limit=limit, where=where))
        _agree(found, closeness(VECTOR), limit, where)

    @pytest.mark.parametrize("limit", [10, 300])
    async def test_tags(self, large_store: ContentStore, where: ContentFilter, limit: int) -> None:
        found = ids(await large_store.search_tags(TAGS, limit=limit, where=where))
        _agree(found, shared_tags(TAGS), limit, where)

    @pytest.mark.parametrize(("limit", "radius_m"), [(10, 1_500), (300, 50_000), (300, 700)])
    async def test_places(
        self, large_store: ContentStore, where: ContentFilter, limit: int, radius_m: float
    ) -> None:
        rows = await large_store.search_geo(HERE, radius_m=radius_m, limit=limit, where=where)
        assert ids(rows) == brute_force(nearness(HERE, radius_m), limit, where)

    @pytest.mark.parametrize("limit", [10, 300])
    async def test_popularity(
        self, large_store: ContentStore, where: ContentFilter, limit: int
    ) -> None:
        found = ids(await large_store.search_popular(limit=limit, where=where))
        assert found == brute_force(popularity, limit, where)

    async def test_draws(self, large_store: ContentStore, where: ContentFilter) -> None:
        draws = [ids(await large_store.sample(limit=50, seed=s, where=where)) for s in range(8)]
        inside = {one.id for one in large_catalogue() if where.allows(one)}
        assert all(len(set(draw)) == 50 and inside.issuperset(draw) for draw in draws)
        assert len({tuple(draw) for draw in draws}) == 8
        assert ids(await large_store.sample(limit=50, seed=3, where=where)) == draws[3]


async def test_every_item_is_there(large_store: ContentStore) -> None:
    asked = [one.id for one in large_catalogue()[:5_000]]
    assert (await large_store.rows(asked)).ids == asked


def _agree(found: list[str], worth: Worth, limit: int, where: ContentFilter) -> None:
    """In order, inside, and nearly all of what there is."""
    best = brute_force(worth, limit, where)
    assert len(set(found)) == len(best)
    assert len(set(found) & set(best)) >= RECALL * len(best)
    by_id = {one.id: one for one in large_catalogue()}
    values = [worth(by_id[one]) for one in found]
    assert [(-(value or 0.0), one) for value, one in zip(values, found, strict=True)] == sorted(
        (-(value or 0.0), one) for value, one in zip(values, found, strict=True)
    )
    assert all(where.allows(by_id[one]) for one in found)
