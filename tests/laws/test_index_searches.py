"""A search of the index finds what looking at every item finds, in the same order."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.snapshot.file import open_snapshot, write_snapshot
from core.content import Content, ContentFilter
from core.geo import GeoPoint
from core.index.build import build_index
from core.index.cells import Probe, VectorSearch
from core.index.clustering import cells_of, train_centroids
from core.index.contents import IndexedContents
from core.index.scope import Scope
from core.tags import tag_key
from core.vectors import GridVector
from tests.laws import catalogues as any_

LIMITS = st.sampled_from((0, 1, 2, 5, 100))
Catalogue = list[Content]
# However slow the machine is: building an index is most of an example.
LAW = settings(deadline=None, suppress_health_check=(HealthCheck.too_slow,))
COUNT = 1_200


def store_of(contents: Catalogue) -> IndexedContents:
    """The index as every process has it: out of a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot"
        write_snapshot(build_index(contents), path)
        return open_snapshot(path)  # a mapping outlives the name of its file


@LAW
@given(any_.catalogues, any_.vectors, LIMITS, any_.filters)
async def test_by_vector(
    contents: Catalogue, vector: GridVector, limit: int, where: ContentFilter
) -> None:
    found = await store_of(contents).search_vector(vector, limit=limit, where=where)
    assert found.ids == any_.best(contents, any_.by_vector(vector), limit, where)


@LAW
@given(
    any_.catalogues,
    st.dictionaries(st.sampled_from(any_.TAGS), any_.weights),
    LIMITS,
    any_.filters,
)
async def test_by_tags(
    contents: Catalogue, tags: dict[str, float], limit: int, where: ContentFilter
) -> None:
    wanted: dict[str, float] = {}
    for tag, weight in tags.items():
        wanted[tag_key(tag)] = wanted.get(tag_key(tag), 0.0) + weight
    found = await store_of(contents).search_tags(tags, limit=limit, where=where)
    assert found.ids == any_.best(contents, any_.by_tags(wanted), limit, where)


@LAW
@given(
    any_.catalogues, st.dictionaries(st.sampled_from(any_.IDS), any_.weights), LIMITS, any_.filters
)
async def test_by_relation(
    contents: Catalogue, sources: dict[str, float], limit: int, where: ContentFilter
) -> None:
    found = await store_of(contents).search_related(sources, limit=limit, where=where)
    assert found.ids == any_.best(contents, any_.by_relation(contents, sources), limit, where)


@LAW
@given(any_.catalogues, any_.points, st.sampled_from(any_.RADII_M), LIMITS, any_.filters)
async def test_by_place(
    contents: Catalogue, near: GeoPoint, radius_m: float, limit: int, where: ContentFilter
) -> None:
    found = await store_of(contents).search_geo(near, radius_m=radius_m, limit=limit, where=where)
    assert found.ids == any_.best(contents, any_.by_place(near, radius_m), limit, where)


@LAW
@given(any_.catalogues, st.lists(st.sampled_from((*any_.IDS, "none"))), any_.filters)
async def test_by_name(contents: Catalogue, asked: list[str], where: ContentFilter) -> None:
    found = await store_of(contents).inside(asked, where=where)
    inside = {one.id for one in contents if where.allows(one)}
    assert found.ids == [one for one in dict.fromkeys(asked) if one in inside]


@LAW
@given(any_.catalogues, LIMITS, any_.filters)
async def test_by_popularity(contents: Catalogue, limit: int, where: ContentFilter) -> None:
    found = await store_of(contents).search_popular(limit=limit, where=where)
    assert found.ids == any_.best(contents, lambda one: one.popularity or None, limit, where)


@LAW
@given(any_.catalogues, any_.texts, any_.filters)
async def test_by_words(contents: Catalogue, query: str, where: ContentFilter) -> None:
    found = await store_of(contents).search_text(query, limit=100, where=where)
    having = [one.id for one in contents if any_.has_words(one, query) and where.allows(one)]
    assert sorted(found.ids) == sorted(having)


@LAW
@given(any_.catalogues, st.integers(0, 2**70), LIMITS, any_.filters)
async def test_a_draw(contents: Catalogue, seed: int, limit: int, where: ContentFilter) -> None:
    store = store_of(contents)
    drawn = await store.sample(limit=limit, seed=seed, where=where)
    inside = {one.id for one in contents if where.allows(one)}
    assert len(set(drawn.ids)) == len(drawn) == min(limit, len(inside))
    assert inside.issuperset(drawn.ids)
    again = await store_of(contents[::-1]).sample(limit=100, seed=seed, where=where)
    assert again.ids[: len(drawn)] == drawn.ids


@LAW
@given(any_.catalogues, any_.filters)
async def test_curated_items(contents: Catalogue, where: ContentFilter) -> None:
    store = store_of(contents)
    pinned = await store.pinned(where=where)
    expected = any_.best(contents, lambda one: one.rules.pinned and -one.rules.pinned, 99, where)
    assert pinned.ids == expected
    groups = await store.together([*any_.NAMES, "none"])
    grouped = {
        name: sorted(one.id for one in contents if one.rules.together == name)
        for name in any_.NAMES
    }
    assert {name: rows.ids for name, rows in groups.items()} == {
        name: members for name, members in grouped.items() if members
    }


@LAW
@given(any_.catalogues, st.lists(st.sampled_from((*any_.IDS, "none"))))
async def test_items_by_id(contents: Catalogue, asked: list[str]) -> None:
    found = await store_of(contents).get(asked)
    by_id = {one.id: one for one in contents}
    assert list(found) == [one for one in dict.fromkeys(asked) if one in by_id]
    for content_id, content in found.items():
        assert content.as_record() == by_id[content_id].as_record()
        assert content.vector.tolist() == by_id[content_id].vector.tolist()


@LAW
@given(
    st.integers(0, 2**32),
    st.integers(1, 30),
    LIMITS,
    st.floats(0, 1),
    st.sampled_from((0, 300, 9_999)),
)
def test_cells_whose_promises_are_high_enough_are_exact(
    seed: int, cells: int, limit: int, share: float, most_rows: int
) -> None:
    random = np.random.default_rng(seed)
    vectors = np.rint(random.normal(size=(COUNT, 4)) * 1_000).astype(np.float32)
    vectors[random.integers(COUNT, size=5)] = 0.0
    found, rows = cells_of(vectors, train_centroids(vectors, cells))
    vectors = vectors[rows]
    order = random.permutation(COUNT).astype(np.int32)
    inside = random.random(COUNT) < share
    query = np.rint(random.normal(size=4) * 1_000).astype(np.float32)
    exact = sorted(np.flatnonzero(inside), key=lambda row: (-(vectors[row] @ query), order[row]))
    for scope in (
        Scope(~inside, None),
        Scope.of(~inside, COUNT),
        Scope.of(~inside, COUNT, narrowed=True),
    ):
        unbounded = VectorSearch(found, vectors, order, Probe(reach=1e9, most_rows=9_999))
        assert unbounded.nearest(query, limit, scope).tolist() == exact[:limit]
        hasty = VectorSearch(found, vectors, order, Probe(reach=0.0, most_rows=most_rows))
        hits = hasty.nearest(query, limit, scope).tolist()
        assert len(set(hits)) == min(limit, len(exact))
        assert hits == [row for row in exact if row in hits]
