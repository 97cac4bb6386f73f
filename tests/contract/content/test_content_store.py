"""What every `ContentStore` holds: the best first, ties by id."""

from itertools import chain

import msgspec
import numpy as np
import pytest

from core.content import ContentFilter
from core.geo import GeoPoint
from core.ports import ContentStore
from tests.contract.content.catalogue import BY_ID, EAST, HERE, OPEN, ids, item, whole
from tests.contract.content.conftest import MakeStore


class TestContentStore:
    async def test_the_items_that_exist_are_found(self, store: ContentStore) -> None:
        asked = ["ü-😀", "missing", "bare", "bare"]
        found = await store.get(asked)
        assert list(found) == ["ü-😀", "bare"]
        assert whole(found.values()) == whole([BY_ID["ü-😀"], BY_ID["bare"]])
        assert (await store.rows(asked)).ids == ["ü-😀", "bare"]
        assert await store.get([]) == {}

    async def test_of_the_items_asked_for_only_those_inside_a_filter_are_given(
        self, store: ContentStore
    ) -> None:
        asked = ["ü-😀", "missing", "c-mid", "bare", "a-near", "bare"]
        assert ids(await store.inside(asked, where=OPEN)) == ["ü-😀", "c-mid", "bare", "a-near"]
        close = ContentFilter(near=HERE, radius_m=2_500, exclude=frozenset({"a-near"}))
        assert ids(await store.inside(asked, where=close)) == ["c-mid"]
        assert ids(await store.inside([], where=OPEN)) == []

    async def test_a_later_item_replaces_one_of_the_same_id(self, make_store: MakeStore) -> None:
        store = await make_store([item("a", 0), item("b", 5), item("a", 90)])
        assert ids(await store.search_vector(EAST, limit=9, where=OPEN)) == ["b", "a"]

    async def test_the_nearest_vectors_come_first_and_ties_by_id(self, store: ContentStore) -> None:
        found = ids(await store.search_vector(EAST, limit=9, where=OPEN))
        in_order = ["a-near", "b-near", "nowhere", "c-mid", "ü-😀", "d-side", "bare", "e-far"]
        assert found == in_order

    async def test_the_negated_vector_finds_the_farthest(self, store: ContentStore) -> None:
        found = ids(await store.search_vector(-EAST, limit=3, where=OPEN))
        assert found == ["e-far", "bare", "d-side"]

    async def test_a_vectors_length_says_nothing(self, store: ContentStore) -> None:
        short = await store.search_vector(np.rint(EAST / 100), limit=9, where=OPEN)
        assert ids(short) == ids(await store.search_vector(EAST, limit=9, where=OPEN))

    async def test_a_tie_at_the_limit_goes_to_the_first_id(self, make_store: MakeStore) -> None:
        names = [f"tie-{number:02}" for number in range(40)]
        store = await make_store([item(name, 20) for name in reversed(names)] + [item("z-best", 0)])
        found = ids(await store.search_vector(EAST, limit=5, where=OPEN))
        assert found == ["z-best", *names[:4]]

    async def test_tags_count_by_their_weight_times_the_items(self, store: ContentStore) -> None:
        tags = {"theme:Music": 1.0, "city:Berlin": 0.25}
        found = ids(await store.search_tags(tags, limit=9, where=OPEN))
        # 1.25, then 1 twice, then 0.75 and 0.0625; who shares none is not among them.
        assert found == ["e-far", "a-near", "nowhere", "b-near", "c-mid"]
        assert ids(await store.search_tags(tags, limit=2, where=OPEN)) == ["e-far", "a-near"]

    @pytest.mark.parametrize(
        ("tag", "found"),
        [
            ("theme:resistance", ["d-side", "ü-😀"]),
            ("THEME:RÉSISTANCE", ["d-side", "ü-😀"]),
            ("theme:Re\N{COMBINING ACUTE ACCENT}sistance", ["d-side", "ü-😀"]),
            ("city:lodz", ["d-side", "a-near"]),
            ("theme:world-war", ["c-mid"]),
            ("Theme:World_War", ["c-mid"]),
            ("city:Music", []),
            ("Music", []),
        ],
    )
    async def test_spellings_of_a_tag_are_one_tag(
        self, store: ContentStore, tag: str, found: list[str]
    ) -> None:
        assert ids(await store.search_tags({tag: 1.0}, limit=9, where=OPEN)) == found
        inside = await store.search_vector(EAST, limit=9, where=ContentFilter(tags=(tag,)))
        assert sorted(ids(inside)) == sorted(found)

    async def test_no_tags_find_nothing(self, store: ContentStore) -> None:
        assert list(await store.search_tags({}, limit=9, where=OPEN)) == []

    async def test_the_nearest_places_come_first(self, store: ContentStore) -> None:
        found = ids(await store.search_geo(HERE, radius_m=10_000, limit=9, where=OPEN))
        assert found == ["a-near", "b-near", "c-mid", "ü-😀", "d-side"]
        found = ids(await store.search_geo(HERE, radius_m=2_500, limit=2, where=OPEN))
        assert found == ["a-near", "b-near"]
        assert list(await store.search_geo(HERE, radius_m=10, limit=9, where=OPEN)) == []

    @pytest.mark.parametrize(
        ("near", "found"),
        [
            (GeoPoint(-17.0, 179.999), ["west", "east", "farther east"]),
            (GeoPoint(-17.0, -179.999), ["east", "west", "farther east"]),
            (GeoPoint(-17.0, 180.0), ["east", "west", "farther east"]),
        ],
    )
    async def test_the_date_line_is_no_border(
        self, make_store: MakeStore, near: GeoPoint, found: list[str]
    ) -> None:
        places = {
            "west": GeoPoint(-17.0, 179.998),
            "east": GeoPoint(-17.0, -179.998),
            "farther east": GeoPoint(-17.0, -179.99),
            "elsewhere": GeoPoint(-17.0, 0.0),
        }
        items = [
            msgspec.structs.replace(item(name, 0), position=place) for name, place in places.items()
        ]
        store = await make_store(items)
        rows = await store.search_geo(near, radius_m=2_000, limit=9, where=OPEN)
        assert ids(rows) == found
        inside = await store.sample(limit=9, seed=1, where=ContentFilter(near=near, radius_m=2_000))
        assert sorted(ids(inside)) == sorted(found)

    async def test_a_draw_depends_on_its_seed_alone(self, make_store: MakeStore) -> None:
        items = [item(f"i-{number:02}", number) for number in range(60)]
        one, other = await make_store(items), await make_store(items[::-1])
        draws = [ids(await one.sample(limit=10, seed=seed, where=OPEN)) for seed in range(5)]
        again = [ids(await other.sample(limit=10, seed=seed, where=OPEN)) for seed in range(5)]
        assert draws == again
        assert len({tuple(draw) for draw in draws}) == 5
        assert all(len(set(draw)) == 10 for draw in draws)

    async def test_draws_reach_every_item(self, make_store: MakeStore) -> None:
        store = await make_store([item(f"i-{number:02}", number) for number in range(20)])
        draws = [ids(await store.sample(limit=5, seed=seed, where=OPEN)) for seed in range(40)]
        assert len(set(chain(*draws))) == 20

    async def test_a_draw_of_more_than_there_is_gives_everything(self, store: ContentStore) -> None:
        drawn = await store.sample(limit=100, seed=1, where=OPEN)
        assert sorted(ids(drawn)) == sorted(BY_ID)
