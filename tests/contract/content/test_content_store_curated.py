"""What every `ContentStore` holds of curators' rules, relations, popularity and words."""

from collections.abc import Sequence

import msgspec
import pytest

from core.content import Content, ContentFilter, ContentRules
from core.ports import ContentStore
from tests.contract.content.catalogue import EAST, HERE, OPEN, ids, item
from tests.contract.content.conftest import MakeStore

NOW_MS = 1_764_000_000_000


def curated(content_id: str, **changes: object) -> Content:
    """An item here, tagged, popular and related to itself: every search finds it."""
    content = item(content_id, 10, ["theme:Music"], north_km=1)
    fields = {"popularity": 5.0, "related": {content_id: 1.0}} | changes
    return msgspec.structs.replace(content, **fields)


def ruled(content_id: str, **rules: object) -> Content:
    return curated(content_id, rules=msgspec.convert(rules, ContentRules))


RULED = (
    ruled("always"),
    ruled("hidden", hidden=True, pinned=1, together="pair"),
    ruled("from-now", valid_from_ms=NOW_MS),
    ruled("after-now", valid_from_ms=NOW_MS + 1, pinned=2),
    ruled("before-now", valid_until_ms=NOW_MS),
    ruled("still", valid_until_ms=NOW_MS + 1, pinned=4, together="pair"),
    ruled("between", valid_from_ms=NOW_MS - 5, valid_until_ms=NOW_MS + 5, pinned=4),
    ruled("at-last-over", valid_from_ms=NOW_MS - 5, valid_until_ms=NOW_MS - 4),
)
AT_ANY_TIME = {one.id for one in RULED} - {"hidden"}
NOW = {"always", "between", "from-now", "still"}


async def every_search(
    store: ContentStore, where: ContentFilter, limit: int = 99
) -> dict[str, Sequence[Content]]:
    related = dict.fromkeys((one.id for one in RULED), 1.0)
    return {
        "vector": await store.search_vector(EAST, limit=limit, where=where),
        "tags": await store.search_tags({"theme:music": 1.0}, limit=limit, where=where),
        "related": await store.search_related(related, limit=limit, where=where),
        "geo": await store.search_geo(HERE, radius_m=5000, limit=limit, where=where),
        "popular": await store.search_popular(limit=limit, where=where),
        "text": await store.search_text("about", limit=limit, where=where),
        "sample": await store.sample(limit=limit, seed=1, where=where),
    }


class TestContentStoreRules:
    @pytest.mark.parametrize(
        ("where", "shown"),
        [(OPEN, AT_ANY_TIME), (ContentFilter(now_ms=NOW_MS), NOW)],
        ids=["at any time", "now"],
    )
    async def test_no_search_shows_what_curators_do_not(
        self, make_store: MakeStore, where: ContentFilter, shown: set[str]
    ) -> None:
        store = await make_store(RULED)
        for name, found in (await every_search(store, where)).items():
            assert sorted(ids(found)) == sorted(shown), name
        for name, found in (await every_search(store, where, limit=len(shown))).items():
            assert len(found) == len(shown), name

    async def test_what_is_not_shown_is_still_there(self, make_store: MakeStore) -> None:
        store = await make_store(RULED)
        assert ids(await store.rows(["at-last-over", "hidden"])) == ["at-last-over", "hidden"]
        assert (await store.get(["hidden"]))["hidden"].rules == RULED[1].rules

    async def test_what_is_asked_for_by_name_is_not_shown_either(
        self, make_store: MakeStore
    ) -> None:
        store, every = await make_store(RULED), [one.id for one in RULED]
        assert set(ids(await store.inside(every, where=OPEN))) == AT_ANY_TIME
        assert set(ids(await store.inside(every, where=ContentFilter(now_ms=NOW_MS)))) == NOW

    async def test_pinned_items_come_by_rank_and_then_by_id(self, make_store: MakeStore) -> None:
        store = await make_store(RULED)
        assert ids(await store.pinned(where=OPEN)) == ["after-now", "between", "still"]
        now = ContentFilter(now_ms=NOW_MS, exclude=frozenset({"still"}))
        assert ids(await store.pinned(where=now)) == ["between"]

    async def test_members_of_a_group_come_by_id(self, make_store: MakeStore) -> None:
        store = await make_store(RULED)
        groups = await store.together(["pair", "nobody"])
        assert {name: ids(rows) for name, rows in groups.items()} == {"pair": ["hidden", "still"]}
        assert await store.together([]) == {}


SPOKEN = (
    curated("austrian", language="de-AT"),
    curated("english", language="en"),
    curated("silent"),
    curated("warlike", tags={"theme:Music": 1.0, "theme:War": 0.0}),
    curated("hidden", language="de", rules=ContentRules(hidden=True)),
)
RESTRICTED = {
    "not": (ContentFilter(without=("theme:war",)), {"austrian", "english", "silent"}),
    "language": (ContentFilter(language="de"), {"austrian", "silent", "warlike"}),
    "both": (ContentFilter(language="EN", without=("THEME:WAR",)), {"english", "silent"}),
    "less than half": (ContentFilter(language="it", without=("theme:war",)), {"silent"}),
}


class TestContentStoreRestrictions:
    @pytest.mark.parametrize(("where", "inside"), RESTRICTED.values(), ids=RESTRICTED)
    async def test_no_search_shows_what_is_outside(
        self, make_store: MakeStore, where: ContentFilter, inside: set[str]
    ) -> None:
        store = await make_store(SPOKEN)
        related = {one.id: 1.0 for one in SPOKEN}
        everywhere = await every_search(store, where)
        everywhere["related"] = await store.search_related(related, limit=99, where=where)
        for name, found in everywhere.items():
            assert sorted(ids(found)) == sorted(inside), name
        for name, found in (await every_search(store, where, limit=1)).items():
            assert name == "related" or len(found) == 1, name


RELATED = (
    curated("a", related={"b": 1.0, "c": 0.5, "gone": 1.0}),
    curated("b", related={"c": 0.75, "a": 0.25}),
    curated("c", related={"d": 0.5}, popularity=7.0),
    curated("d", related={}, popularity=0.0),
)


class TestContentStoreRelations:
    async def test_relations_add_up(self, make_store: MakeStore) -> None:
        store = await make_store(RELATED)
        liked = {"a": 1.0, "b": 0.5, "missing": 1.0}
        # b 1; c 0.5 + 0.375; a 0.125; d and "gone" are nobody's or nowhere.
        found = await store.search_related(liked, limit=9, where=OPEN)
        assert ids(found) == ["b", "c", "a"]
        assert ids(await store.search_related(liked, limit=1, where=OPEN)) == ["b"]
        without = ContentFilter(exclude=frozenset({"b"}))
        assert ids(await store.search_related(liked, limit=1, where=without)) == ["c"]
        assert ids(await store.search_related({}, limit=9, where=OPEN)) == []
        assert ids(await store.search_related({"d": 1.0}, limit=9, where=OPEN)) == []

    async def test_the_most_popular_come_first_and_ties_by_id(self, make_store: MakeStore) -> None:
        store = await make_store(RELATED)
        assert ids(await store.search_popular(limit=9, where=OPEN)) == ["c", "a", "b"]
        assert ids(await store.search_popular(limit=2, where=OPEN)) == ["c", "a"]


BOOKS = (
    msgspec.structs.replace(item("a", 0), title="The Bookcase", text="A hiding place in Łódź."),
    msgspec.structs.replace(item("b", 0), title="Résistance", text="Of books and songs"),
    msgspec.structs.replace(item("c", 0), title="Songs", text="A hiding book; Ærøskøbing"),
)


FOUND = {
    "hiding": ["a", "c"],
    "HIDING songs": ["a", "b", "c"],
    "resistance": ["b"],
    "RÉSISTANCE!": ["b"],
    "lodz": ["a"],
    "aeroskobing": ["c"],
    "bookc": ["a"],
    "the bookcase": ["a"],
    "nothing": [],
    "": [],
    "!?": [],
}


class TestContentStoreText:
    async def test_words_are_found_in_any_spelling(self, make_store: MakeStore) -> None:
        store = await make_store(BOOKS)
        for query, found in FOUND.items():
            every = ids(await store.search_text(query, limit=9, where=OPEN))
            assert sorted(every) == found, query
            assert ids(await store.search_text(query, limit=1, where=OPEN)) == every[:1], query

    async def test_who_has_more_of_the_words_comes_first(self, make_store: MakeStore) -> None:
        store = await make_store(BOOKS)
        assert ids(await store.search_text("hiding songs", limit=1, where=OPEN)) == ["c"]

    async def test_a_word_of_the_title_counts_more(self, make_store: MakeStore) -> None:
        told = [
            msgspec.structs.replace(item("a", 0), title="An author", text="A friend of Dickens"),
            msgspec.structs.replace(item("b", 0), title="Dickens", text="A novelist of London"),
        ]
        store = await make_store(told)
        assert ids(await store.search_text("dickens", limit=9, where=OPEN)) == ["b", "a"]

    async def test_a_word_search_stays_inside(self, make_store: MakeStore) -> None:
        store = await make_store(BOOKS)
        without = ContentFilter(exclude=frozenset({"a"}))
        assert ids(await store.search_text("hiding songs", limit=1, where=without)) == ["c"]


class TestContentStoreOfNothing:
    async def test_where_there_is_nothing_nothing_is_found(self, make_store: MakeStore) -> None:
        store = await make_store([])
        for name, found in (await every_search(store, OPEN)).items():
            assert ids(found) == [], name
        assert ids(await store.pinned(where=OPEN)) == []
        assert await store.together(["pair"]) == {}
        assert await store.get(["a"]) == {}
