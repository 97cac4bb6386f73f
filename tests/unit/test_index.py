"""Parts of the index that a catalogue's searches do not show by themselves."""

import msgspec
import numpy as np
import pytest

from core.content import Content, ContentFilter
from core.geo import GeoPoint
from core.index.build import build_index
from core.index.calibrate import exact_nearest, recall
from core.index.clustering import cell_count
from core.index.contents import IndexedContents
from core.index.draw import drawn
from core.index.scope import Scope
from core.index.tag_lists import TagSearch, TagTable, tag_lists
from core.ragged import Rows, starts_of
from core.strings import RememberedRows, StringLookup, StringTable
from core.tag_entries import packed
from core.vectors import to_grid
from tests.contract.content.catalogue import OPEN
from tests.stories import World


def everything(places: Rows) -> Rows:
    return places


def rare(places: Rows) -> Rows:
    kept: Rows = places[places % 100 == 0]
    return kept


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 100, 1_001])
def test_a_shuffle_has_everything_once(count: int) -> None:
    for seed in (0, 7, 2**64 + 1):
        assert sorted(drawn(count, count + 5, seed, everything)) == list(range(count))


def test_a_shuffle_starts_with_each_as_often() -> None:
    firsts = np.concatenate([drawn(10, 2, seed, everything) for seed in range(5_000)])
    counts = np.bincount(firsts, minlength=10)
    # 1,000 each are due, with a standard deviation of some 28.
    assert counts.min() > 870
    assert counts.max() < 1_130


def test_a_shuffle_goes_on_until_enough_is_kept() -> None:
    found = drawn(10_000, 50, 3, rare)
    assert len(set(found.tolist())) == 50
    assert not (found % 100).any()
    assert len(drawn(10_000, 500, 3, rare)) == 100


def test_strings_that_share_a_hash_are_told_apart() -> None:
    # Both have the CRC-32 of 4ddb0c25.
    names = ["plumless", "buckeroo", "other"]
    table = StringTable.of(names)
    lookup = StringLookup.of(table)
    assert lookup.hashes[0] == lookup.hashes[1] or lookup.hashes[1] == lookup.hashes[2]
    assert lookup.find(table, [*names, "none", "plumles"]).tolist() == [0, 1, 2, -1, -1]
    alone = StringTable.of(["plumless"])
    assert StringLookup.of(alone).find(alone, ["buckeroo"]).tolist() == [-1]


def clustered(items: int, dim: int = 24, seed: int = 4) -> list[Content]:
    """Stories of 80 themes, each of which has its own words for half of its tags."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(80, dim))
    themes = random.integers(80, size=items)
    own = random.integers(40, size=(80, 10))
    tags = np.where(
        random.random((items, 6)) < 0.6,
        own[themes[:, None], random.integers(10, size=(items, 6))],
        random.integers(40, size=(items, 6)),
    )
    return [
        Content(
            id=f"i-{row}",
            title="",
            tags={f"theme:{tag}": 1.0 for tag in tags[row].tolist()},
            vector=to_grid(centres[themes[row]] + random.normal(size=dim)),
        )
        for row in range(items)
    ]


def test_the_measured_recall_is_what_brute_force_says() -> None:
    built = build_index(clustered(6_000))
    vectors, cells, probe = built.arrays.vectors, built.arrays.cells, built.figures.probe
    queries = np.stack(
        [to_grid(one + other) for one, other in zip(vectors[:60], vectors[60:120], strict=True)]
    )
    exact = exact_nearest(vectors, queries, 100)
    for query, rows in zip(queries, exact, strict=True):
        products = vectors @ query
        assert sorted(products[rows]) == sorted(products)[-100:]
    assert len(cells.centroids) > 50
    assert built.figures.recall >= 0.95
    assert recall(vectors, cells, probe, queries, exact) >= 0.95


def test_small_catalogues_are_one_cell() -> None:
    assert [cell_count(items) for items in (0, 3_999, 4_000, 100_000)] == [1, 1, 62, 948]


async def test_champions_find_nearly_what_all_entries_would() -> None:
    contents = list(World(dim=8).stories(20_000))
    store = IndexedContents(build_index(contents))
    shares = []
    for first in range(0, 400, 10):  # what somebody has read who read a few things alike
        liked = await store.search_vector(contents[first].vector, limit=5, where=OPEN)
        tags = list({tag: None for one in liked for tag in one.tags})[:20]
        wanted = {tag: 1.0 - rank / 32 for rank, tag in enumerate(tags)}
        found = await store.search_tags(wanted, limit=150, where=OPEN)
        sums = {one.id: sum(wanted.get(tag, 0.0) for tag in one.tags) for one in contents}
        values = [sums[one] for one in found.ids]
        assert values == sorted(values, reverse=True)
        shares.append(sum(values) / sum(sorted(sums.values())[-150:]))
    assert np.mean(shares) >= 0.9


async def test_cells_of_another_language_do_not_use_up_what_a_search_may_read() -> None:
    contents = clustered(8_000)
    away = np.array([float(one.vector @ contents[0].vector) for one in contents])
    border = np.quantile(away, 0.6)  # what lies closest to the first item is English
    languages = np.where(away > border, "en", "de").tolist()
    spoken = [
        msgspec.structs.replace(one, language=language)
        for one, language in zip(contents, languages, strict=True)
    ]
    store = IndexedContents(build_index(spoken))
    german = np.stack([one.vector for one in spoken if one.language == "de"])
    where = ContentFilter(language="de")
    for row in np.argsort(-away)[:20].tolist():
        query = contents[row].vector
        found = await store.search_vector(query, limit=100, where=where)
        assert np.mean(found.vectors @ query >= np.sort(german @ query)[-100]) >= 0.9


async def test_whoever_is_no_champion_is_found_once_the_champions_are_excluded() -> None:
    contents = clustered(20_000)
    store = IndexedContents(build_index(contents))
    wanted = {f"theme:{number}": 1.0 for number in range(3)}
    having = {one.id for one in contents if wanted.keys() & one.tags.keys()}
    excluded = frozenset(sorted(having)[:-7])
    assert len(excluded) < 10_000, "of more the others would be looked at one by one"
    where = ContentFilter(exclude=excluded)
    found = await store.search_tags(wanted, limit=20, where=where)
    assert set(found.ids) == having - excluded


def test_a_list_begins_with_what_is_typical() -> None:
    # 300 rows have tag 0; the last ten of them share tag 1 too.
    lengths = np.array([1] * 290 + [2] * 10)
    ids = np.array([0] * 290 + [0, 1] * 10, dtype=np.int32)
    table = TagTable(starts_of(lengths), packed(ids, np.ones(len(ids), dtype=np.float32)))
    order = np.arange(300, dtype=np.int32)
    lists = tag_lists(table, 2, order)
    assert lists.rows_of(0)[:10].tolist() == list(range(290, 300))
    search = TagSearch(table, lists, order)
    everywhere = Scope.everything(300)
    assert search.best({0: 1.0}, 3, everywhere).tolist() == [0, 1, 2]


async def test_a_filter_is_not_taken_for_the_one_before() -> None:
    store = IndexedContents(build_index(clustered(30)))
    for excluded in ("i-3", "i-4", "i-3"):
        where = ContentFilter(exclude=frozenset({excluded}))
        found = await store.sample(limit=100, seed=1, where=where)
        assert len(found) == 29
        assert excluded not in found.ids


@pytest.mark.parametrize("near", [GeoPoint(89.999, 10.0), GeoPoint(90.0, 0.0)])
async def test_around_a_pole_every_longitude_is_near(near: GeoPoint) -> None:
    places = {"pole": (90.0, 77.0), "beyond": (89.99, -170.0), "south": (-90.0, 10.0)}
    items = [
        Content(id=name, title="", position=GeoPoint(*place), vector=to_grid([1.0]))
        for name, place in places.items()
    ]
    store = IndexedContents(build_index(items))
    found = await store.search_geo(near, radius_m=2_000, limit=9, where=OPEN)
    assert found.ids == ["pole", "beyond"]


def test_the_same_vectors_of_another_space_are_another_catalogue() -> None:
    items = clustered(10)
    one, other = build_index(items, "one"), build_index(items, "other")
    assert one.figures.version != other.figures.version


def test_centroids_of_a_former_index_do_as_well() -> None:
    items = clustered(6_000)
    first = build_index(items[:5_700])
    again = build_index(items, previous=first)
    assert again.figures.trained_on == 5_700
    assert again.arrays.cells.centroids.tolist() == first.arrays.cells.centroids.tolist()
    assert again.figures.version == build_index(items).figures.version
    assert again.figures.recall >= 0.96
    grown = [*items, *(msgspec.structs.replace(one, id=f"j{one.id}") for one in items)]
    assert build_index(grown, previous=first).figures.trained_on == 12_000


def test_centroids_that_do_not_suit_the_vectors_are_not_kept() -> None:
    first = build_index(clustered(6_000))
    others = clustered(6_000, seed=5)
    again = build_index(others, previous=first)
    assert again.arrays.cells.centroids.tolist() != first.arrays.cells.centroids.tolist()
    assert again.figures == build_index(others).figures
    longer = clustered(6_000, dim=25)
    assert build_index(longer, previous=first).figures == build_index(longer).figures


def test_rows_that_were_found_before_are_found_again_and_strangers_are_not_remembered() -> None:
    names = [f"item-{number}" for number in range(50)]
    table = StringTable.of(names)
    remembered = RememberedRows(table, StringLookup.of(table), most=8)
    for _ in range(2):
        for start in range(0, 50, 5):  # more than it remembers at a time
            wanted = [*names[start : start + 5], f"no-such-{start}"]
            assert remembered.find(wanted).tolist() == [*range(start, start + 5), -1]
            assert len(remembered._rows) <= 8
    assert not any(one.startswith("no-such") for one in remembered._rows)
    assert remembered.find([]).tolist() == []
    assert remembered.find(names).tolist() == list(range(50)), "more than it remembers at once"
