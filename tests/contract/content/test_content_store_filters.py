"""What every `ContentStore` holds: nothing outside a filter is found, and changes are noticed."""

import msgspec
import pytest

from core.content import Content, ContentFilter, ContentRules
from core.geo import GeoPoint
from core.ports import ContentStore
from tests.contract.content.catalogue import BY_ID, CATALOGUE, EAST, HERE, OPEN, angle, ids
from tests.contract.content.conftest import MakeStore

EVERYTHING = frozenset(BY_ID)
STATE_NONE = frozenset({"ü-😀", "nowhere", "bare"})
# A filter, and the items that lie inside.
FILTERS: dict[str, tuple[ContentFilter, frozenset[str]]] = {
    "one facet is or": (
        ContentFilter(tags=("theme:music", "theme:world war")),
        frozenset({"a-near", "b-near", "c-mid", "e-far", "nowhere"}),
    ),
    "two facets are and": (
        ContentFilter(tags=("theme:music", "city:berlin")),
        frozenset({"b-near", "e-far"}),
    ),
    "or within and": (
        ContentFilter(tags=("city:berlin", "theme:music", "city:lodz")),
        frozenset({"a-near", "b-near", "e-far"}),
    ),
    "an unknown tag": (ContentFilter(tags=("theme:nothing",)), frozenset()),
    "a known and an unknown": (ContentFilter(tags=("theme:music", "colour:red")), frozenset()),
    "not": (
        ContentFilter(without=("theme:music",)),
        frozenset({"c-mid", "d-side", "ü-😀", "bare"}),
    ),
    "every not excludes": (
        ContentFilter(without=("THEME:World-War", "city:lodz", "theme:nothing")),
        frozenset({"b-near", "e-far", "ü-😀", "nowhere", "bare"}),
    ),
    "or and not of one facet": (
        ContentFilter(tags=("city:berlin", "city:lodz"), without=("city:lodz", "theme:world war")),
        frozenset({"b-near", "e-far"}),
    ),
    "what is wanted and not": (
        ContentFilter(tags=("theme:music",), without=("theme:Music",)),
        frozenset(),
    ),
    "not what nothing has": (ContentFilter(without=("theme:nothing",)), EVERYTHING),
    "a language": (ContentFilter(language="de"), EVERYTHING - {"d-side", "e-far"}),
    "a language of a region": (
        ContentFilter(language="de_at"),
        EVERYTHING - {"c-mid", "d-side", "e-far"},
    ),
    "a wider language": (ContentFilter(language="fr-BE-x"), frozenset({"e-far"}) | STATE_NONE),
    "a language of nothing": (ContentFilter(language="it"), STATE_NONE),
    "no language at all": (ContentFilter(language="-"), EVERYTHING),
    "near": (
        ContentFilter(near=HERE, radius_m=2_500),
        frozenset({"a-near", "b-near", "c-mid"}),
    ),
    "near nothing": (ContentFilter(near=GeoPoint(-40.0, 0.0), radius_m=1_000), frozenset()),
    "a place without a radius": (ContentFilter(near=HERE), EVERYTHING),
    "excluded": (
        ContentFilter(exclude=frozenset({"a-near", "ü-😀", "missing"})),
        EVERYTHING - {"a-near", "ü-😀"},
    ),
    "all excluded": (ContentFilter(exclude=EVERYTHING), frozenset()),
    "all restrictions": (
        ContentFilter(
            tags=("theme:music",),
            without=("city:lodz",),
            language="fr",
            near=HERE,
            radius_m=50_000,
            exclude=frozenset({"b-near"}),
        ),
        frozenset({"e-far"}),
    ),
}


@pytest.mark.parametrize(("where", "inside"), FILTERS.values(), ids=FILTERS)
class TestContentStoreFilters:
    """Each search gives what it gives unfiltered, less what lies outside."""

    async def test_a_vector_search_stays_inside(
        self, store: ContentStore, where: ContentFilter, inside: frozenset[str]
    ) -> None:
        found = ids(await store.search_vector(EAST, limit=9, where=where))
        every = ids(await store.search_vector(EAST, limit=9, where=OPEN))
        assert found == [one for one in every if one in inside]
        assert ids(await store.search_vector(EAST, limit=2, where=where)) == found[:2]

    async def test_a_tag_search_stays_inside(
        self, store: ContentStore, where: ContentFilter, inside: frozenset[str]
    ) -> None:
        tags = {"theme:music": 1.0, "theme:resistance": 0.5}
        found = ids(await store.search_tags(tags, limit=9, where=where))
        every = ids(await store.search_tags(tags, limit=9, where=OPEN))
        assert found == [one for one in every if one in inside]

    async def test_a_search_around_a_place_stays_inside(
        self, store: ContentStore, where: ContentFilter, inside: frozenset[str]
    ) -> None:
        found = ids(await store.search_geo(HERE, radius_m=9_000, limit=9, where=where))
        every = ids(await store.search_geo(HERE, radius_m=9_000, limit=9, where=OPEN))
        assert found == [one for one in every if one in inside]

    async def test_a_draw_stays_inside(
        self, store: ContentStore, where: ContentFilter, inside: frozenset[str]
    ) -> None:
        found = ids(await store.sample(limit=9, seed=3, where=where))
        assert sorted(found) == sorted(inside)
        assert ids(await store.sample(limit=2, seed=3, where=where)) == found[:2]

    async def test_a_word_search_stays_inside(
        self, store: ContentStore, where: ContentFilter, inside: frozenset[str]
    ) -> None:
        found = ids(await store.search_text("about", limit=9, where=where))
        every = ids(await store.search_text("about", limit=9, where=OPEN))
        assert found == [one for one in every if one in inside]

    def test_the_filter_itself_says_the_same(
        self, where: ContentFilter, inside: frozenset[str]
    ) -> None:
        assert {one.id for one in CATALOGUE if where.allows(one)} == inside


CHANGES: dict[str, object] = {
    "id": "z",
    "title": "Other",
    "text": "Other",
    "tags": {"theme:Music": 0.5, "city:Berlin": 0.9},
    "position": GeoPoint(1.0, 2.0),
    "image": "i.jpg",
    "place": "Berlin",
    "date": "1944",
    "language": "de",
    "popularity": 3.0,
    "related": {"a-near": 0.5},
    "rules": ContentRules(pinned=1),
    "vector": angle(11),
}


class TestContentStoreVersion:
    async def test_equal_catalogues_have_one_version(self, make_versioned_store: MakeStore) -> None:
        reordered = [
            msgspec.structs.replace(one, tags=dict(sorted(one.tags.items(), reverse=True)))
            for one in reversed(CATALOGUE)
        ]
        one, other = await make_versioned_store(CATALOGUE), await make_versioned_store(reordered)
        assert one.version == other.version

    @pytest.mark.parametrize("field", CHANGES)
    async def test_any_change_of_an_item_changes_it(
        self, make_versioned_store: MakeStore, field: str
    ) -> None:
        changed = [msgspec.structs.replace(BY_ID["b-near"], **{field: CHANGES[field]})]
        others = [one for one in CATALOGUE if one.id != "b-near"]
        one = await make_versioned_store(CATALOGUE)
        other = await make_versioned_store(others + changed)
        assert one.version != other.version

    async def test_an_item_more_or_less_changes_it(self, make_versioned_store: MakeStore) -> None:
        one = await make_versioned_store(CATALOGUE)
        other = await make_versioned_store(CATALOGUE[1:])
        assert one.version != other.version

    def test_every_field_is_among_the_changes(self) -> None:
        derived = {"words", "keyed_tags"}  # from text and tags
        assert set(CHANGES) | derived == set(Content.__struct_fields__)
