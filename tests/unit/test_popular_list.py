"""What is read most as a list: by views first, and under every rule that a list obeys."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.memory.content_store import InMemoryContentStore
from core.content import Content, ContentFilter, ContentRules
from core.geo import GeoPoint
from core.popularity.answer import PopularList, PopularRequest
from core.popularity.popular import Popularity
from core.popularity.views import DAYS, ViewCounter, ViewCounts
from tests.build import DAY_MS, NOW_MS, WINDOW_MS, content, event


def store_of(*contents: Content) -> InMemoryContentStore:
    return InMemoryContentStore(contents)


def views_of(views: Mapping[str, int], days_ago: int = 0) -> ViewCounts:
    """So many visitors viewed each item on one day."""
    counter = ViewCounter(now_ms=NOW_MS, window_ms=WINDOW_MS)
    at_ms = NOW_MS - days_ago * DAY_MS
    for item, count in views.items():
        for _ in range(count):
            counter.add([event("view_ended", item, ts_ms=at_ms)], views)
    return counter.counts()


async def popular(
    store: InMemoryContentStore,
    counts: ViewCounts | None,
    *,
    limit: int = 10,
    caps: tuple[str, ...] = (),
    half_life_days: float | None = None,
    at_ms: int = NOW_MS,
    include_content: bool = False,
    **where: object,
) -> PopularList:
    popularity = Popularity(store, lambda: counts, facet_caps=caps, half_life_days=7.0)
    request = PopularRequest(
        limit=limit,
        where=ContentFilter(now_ms=at_ms, **where),  # type: ignore[arg-type]
        at_ms=at_ms,
        half_life_days=half_life_days,
        include_content=include_content,
    )
    return await popularity.list(request)


def ids(found: PopularList) -> list[str]:
    return [item.content_id for item in found.items]


async def test_the_most_viewed_come_first_with_what_they_were_counted_from() -> None:
    store = store_of(content("a"), content("b"), content("c"))
    found = await popular(store, views_of({"a": 1, "b": 3, "c": 1}), limit=3)
    assert [(one.content_id, one.rank, one.views, one.score) for one in found.items] == [
        ("b", 1, 3, 3.0),
        ("a", 2, 1, 1.0),
        ("c", 3, 1, 1.0),
    ]
    assert {one.source for one in found.items} == {"views"}
    assert (found.counted_at_ms, found.visitors, found.events) == (NOW_MS, 5, 5)
    assert found.catalogue_version == store.version


async def test_older_views_count_less_by_the_half_life_that_is_asked_for() -> None:
    counter = ViewCounter(now_ms=NOW_MS, window_ms=WINDOW_MS)
    for ago, item in ((0, "new"), *[(14, "old")] * 3):
        counter.add([event("view_started", item, ts_ms=NOW_MS - ago * DAY_MS)], {"new", "old"})
    store, counts = store_of(content("new"), content("old")), counter.counts()
    default = await popular(store, counts)
    assert [(one.content_id, one.score) for one in default.items] == [("new", 1.0), ("old", 0.75)]
    assert default.half_life_days == 7.0
    long = await popular(store, counts, half_life_days=14)
    assert [(one.content_id, one.score) for one in long.items] == [("old", 1.5), ("new", 1.0)]
    assert long.half_life_days == 14
    a_moment = await popular(store, counts, half_life_days=1e-300)
    assert [(one.content_id, one.score) for one in a_moment.items] == [("new", 1.0), ("old", 0.0)]
    earlier = await popular(store, counts, at_ms=NOW_MS - 10 * DAY_MS)
    assert [(one.content_id, one.views, one.source) for one in earlier.items] == [
        ("old", 3, "views"),
        ("new", 0, "catalogue"),
    ]


async def test_a_new_installation_answers_by_the_catalogues_own_popularity() -> None:
    store = store_of(content("a", popularity=1.0), content("b", popularity=9.0), content("c"))
    found = await popular(store, None)
    assert ids(found) == ["b", "a", "c"]
    assert {(one.source, one.score, one.views) for one in found.items} == {("catalogue", 0.0, 0)}
    assert (found.counted_at_ms, found.visitors, found.events) == (None, 0, 0)


async def test_what_few_views_leave_open_the_catalogue_fills_up_each_item_once() -> None:
    store = store_of(content("a", popularity=1.0), content("b", popularity=9.0), content("c"))
    found = await popular(store, views_of({"a": 1}))
    assert [(one.content_id, one.source) for one in found.items] == [
        ("a", "views"),
        ("b", "catalogue"),
        ("c", "catalogue"),
    ]


async def test_what_rules_forbid_is_not_shown_however_often_it_was_viewed() -> None:
    store = store_of(
        content("hidden", rules=ContentRules(hidden=True)),
        content("over", rules=ContentRules(valid_until_ms=NOW_MS)),
        content("not-yet", rules=ContentRules(valid_from_ms=NOW_MS + 1)),
        content("twin-1", rules=ContentRules(apart=("twins",))),
        content("twin-2", rules=ContentRules(apart=("twins",))),
        content("plain"),
    )
    counts = views_of({"hidden": 9, "over": 8, "not-yet": 7, "twin-1": 6, "twin-2": 5, "plain": 4})
    assert ids(await popular(store, counts)) == ["twin-1", "plain"]
    drawn = ids(await popular(store, None))
    assert sorted(one.partition("-")[0] for one in drawn) == ["plain", "twin"]
    soon = await popular(store, counts, at_ms=NOW_MS + 1)
    assert ids(soon) == ["not-yet", "twin-1", "plain"]


async def test_caps_of_facets_hold_over_views_and_the_rest_together() -> None:
    store = store_of(
        *(content(f"war-{n}", tags=("theme:War",), popularity=9.0 - n) for n in range(4)),
        *(content(f"music-{n}", tags=("theme:Music",)) for n in range(2)),
    )
    found = await popular(store, views_of({"war-3": 2, "war-2": 1}), caps=("theme=2",))
    assert ids(found)[:2] == ["war-3", "war-2"]
    assert set(ids(found)[2:]) == {"music-0", "music-1"}


async def test_content_comes_when_it_is_asked_for() -> None:
    store = store_of(content("a", title="Opera", place="Terezín"))
    [plain] = (await popular(store, None)).items
    assert plain.content is None
    [full] = (await popular(store, None, include_content=True)).items
    assert full.content is not None
    assert (full.content.title, full.content.place) == ("Opera", "Terezín")


async def test_an_item_that_has_left_the_catalogue_leaves_the_list() -> None:
    found = await popular(store_of(content("a")), views_of({"gone": 5, "a": 1}))
    assert ids(found) == ["a"]


@pytest.mark.parametrize(("inside", "outside"), [(3, 300), (2500, 100)])
async def test_what_is_outside_is_looked_past_whether_a_filter_is_narrow_or_wide(
    inside: int, outside: int
) -> None:
    bare = content("bare")
    store = store_of(
        *(replace(bare, id=f"in-{n:04}", tags={"a:in": 1.0}) for n in range(inside)),
        *(replace(bare, id=f"out-{n:04}", tags={"a:out": 1.0}) for n in range(outside)),
    )
    views = {f"out-{n:04}": 3 for n in range(outside)} | {"in-0000": 1, "in-0001": 1, "in-0002": 2}
    found = await popular(store, views_of(views), limit=4, tags=("a:in",))
    assert ids(found)[:3] == ["in-0002", "in-0000", "in-0001"]
    assert [one.source for one in found.items][3:] == ["catalogue"] * (inside > 3)


async def test_another_count_or_day_is_ranked_anew() -> None:
    store = store_of(content("a"), content("b"))
    counts = [views_of({"a": 2, "b": 1}), views_of({"a": 1, "b": 2})]
    popularity = Popularity(store, lambda: counts[0], facet_caps=(), half_life_days=7.0)

    async def best(at_ms: int) -> list[tuple[str, float]]:
        request = PopularRequest(limit=1, where=ContentFilter(), at_ms=at_ms)
        return [(one.content_id, one.score) for one in (await popularity.list(request)).items]

    assert await best(NOW_MS) == await best(NOW_MS) == [("a", 2.0)]
    counts.reverse()
    assert await best(NOW_MS) == [("b", 2.0)]
    assert await best(NOW_MS + 7 * DAY_MS) == [("b", 1.0)]


ITEMS = [
    content(
        f"i{number}",
        tags=(f"a:{number % 3}", f"b:{number % 2}"),
        position=GeoPoint(52.0 + number / 100, 13.0) if number % 4 else None,
        popularity=float(number % 5),
        language=(None, "de", "en")[number // 5 % 3],
        rules=ContentRules(hidden=number % 7 == 3, apart=("g",) if number % 6 == 2 else ()),
    )
    for number in range(24)
]
STORE = InMemoryContentStore(ITEMS)
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from(("a:0", "a:1", "b:1", "c:0")), max_size=2).map(tuple),
        "without": st.lists(st.sampled_from(("a:0", "b:1")), max_size=1).map(tuple),
        "language": st.sampled_from(("de", "en-GB", "fr")),
        "near": st.just(GeoPoint(52.1, 13.0)),
        "radius_m": st.sampled_from((1.0, 3_000.0, 50_000.0)),
        "exclude": st.frozensets(st.sampled_from(["i1", "i2", "i8", "x"])),
    },
)
VIEWS = st.dictionaries(st.sampled_from([one.id for one in ITEMS]), st.integers(1, 4))


@given(
    views=VIEWS,
    days_ago=st.integers(0, DAYS - 1),
    scope=SCOPES,
    limit=st.integers(1, 30),
    caps=st.sampled_from(((), ("a=2",))),
)
@settings(deadline=None, max_examples=150)
async def test_a_list_obeys_its_scope_and_rules_is_as_long_as_they_allow_and_grows_at_its_end(
    views: dict[str, int],
    days_ago: int,
    scope: dict[str, object],
    limit: int,
    caps: tuple[str, ...],
) -> None:
    counts = views_of(views, days_ago) if views else None
    found = await popular(STORE, counts, limit=limit, caps=caps, **scope)  # type: ignore[arg-type]
    where = ContentFilter(now_ms=NOW_MS, **scope)  # type: ignore[arg-type]
    inside = {one.id: one for one in ITEMS if where.allows(one)}
    listed = ids(found)
    assert len(set(listed)) == len(listed) <= limit
    assert set(listed) <= inside.keys()
    assert sum("g" in inside[one].rules.apart for one in listed) <= 1
    scores = [one.score for one in found.items]
    assert scores == sorted(scores, reverse=True)
    assert [one.rank for one in found.items] == list(range(1, len(listed) + 1))
    assert all((one.source == "views") == (one.content_id in views) for one in found.items)
    if not caps:
        apart = sum("g" in one.rules.apart for one in inside.values())
        assert len(listed) == min(limit, len(inside) - max(0, apart - 1))
    longer = await popular(STORE, counts, limit=limit + 7, caps=caps, **scope)  # type: ignore[arg-type]
    assert ids(longer)[: len(listed)] == listed


@pytest.mark.parametrize("window_days", [1, 7, 30, 90])
def test_whole_days_are_counted_as_far_as_the_buffers_reach(window_days: int) -> None:
    counter = ViewCounter(now_ms=NOW_MS, window_ms=window_days * DAY_MS)
    assert counter.since_ms % DAY_MS == 0
    assert counter.since_ms >= NOW_MS - window_days * DAY_MS
    for ago in range(100):
        at_ms = NOW_MS - ago * DAY_MS
        counter.add([event("view_ended", "a", ts_ms=at_ms)], {"a"})
    assert counter.counts().views.tolist() == [[1] * min(window_days, DAYS)]


def test_a_view_ahead_of_the_clock_is_one_of_today() -> None:
    counter = ViewCounter(now_ms=NOW_MS, window_ms=WINDOW_MS)
    counter.add([event("view_ended", "a", ts_ms=NOW_MS + 2 * DAY_MS)], {"a"})
    assert counter.counts().ranked(7.0, at_ms=NOW_MS).views.tolist() == [1]
