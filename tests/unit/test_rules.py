"""Curators' rules in a list: pinned, apart, together, hidden, timed, and caps of facets."""

from typing import Any

import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import RankingConfig
from core.content import Content, ContentRules
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import pack
from tests.build import NOW_MS, content

LIKED = content("liked", embed="a family behind the bookcase")
PLAIN = [
    content(f"plain-{n}", tags=(f"theme_what:Theme {n % 3}",), embed=f"family bookcase {n}")
    for n in range(8)
]
FAR = content("far", tags=("theme_what:Other",), embed="planes over the harbour set it on fire")


def ruled(content_id: str, embed: str = "unlike all others", **rules: Any) -> Content:
    return content(content_id, embed=embed, rules=ContentRules(**rules))


async def answer(
    *items: Content, seen: tuple[str, ...] = (), caps: tuple[str, ...] = (), **request: Any
) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    model = UserSignals(
        user_id="u1",
        revision=1,
        positives={"liked": 0.8},
        viewed={"liked": 5} | {item: number for number, item in enumerate(seen)},
        taste_vector=pack(LIKED.vector / 4000),
    )
    await models.save_signals([model])
    contents = InMemoryContentStore([LIKED, *items])
    recommender = Recommender(models, contents, RankingConfig(facet_caps=caps), "c1")
    wanted = RecommendRequest(user_id="u1", **({"limit": 5} | request))
    return await recommender.recommend(wanted, now_ms=NOW_MS)


async def ids(*items: Content, **more: Any) -> list[str]:
    return [item.content_id for item in (await answer(*items, **more)).items]


async def test_a_hidden_item_is_in_no_list_not_even_when_nothing_else_is_left() -> None:
    hidden = ruled("hidden", embed="a family behind the bookcase", hidden=True)
    assert await ids(hidden, seen=("hidden",)) == ["liked"]


@pytest.mark.parametrize(
    ("rules", "shown"),
    [
        ({"valid_from_ms": NOW_MS}, True),
        ({"valid_from_ms": NOW_MS + 1}, False),
        ({"valid_until_ms": NOW_MS + 1}, True),
        ({"valid_until_ms": NOW_MS}, False),
    ],
)
async def test_an_item_is_shown_from_and_until_its_times(rules: Any, *, shown: bool) -> None:
    assert ("timed" in await ids(ruled("timed", **rules))) == shown


async def test_a_pinned_item_takes_its_rank_however_it_scores() -> None:
    for rank in (1, 3, 5):
        found = await answer(*PLAIN, ruled("pin", pinned=rank))
        [item] = [item for item in found.items if item.content_id == "pin"]
        assert item.rank == rank
        assert "pinned" in item.generated_by
    assert "pin" not in await ids(*PLAIN, ruled("pin", pinned=6))


async def test_of_two_items_pinned_to_one_rank_the_second_takes_the_next() -> None:
    pins = [ruled("b", pinned=2), ruled("a", pinned=2), ruled("c", pinned=1)]
    assert (await ids(*PLAIN, *pins))[:3] == ["c", "a", "b"]


async def test_a_pinned_item_that_was_seen_or_is_filtered_is_not_shown() -> None:
    pin = ruled("pin", pinned=1)
    assert "pin" not in await ids(*PLAIN, pin, seen=("pin",))
    assert "pin" not in await ids(*PLAIN, pin, tags=("theme_what:Theme 1",))


async def test_too_few_items_before_a_pinned_one_move_it_up() -> None:
    assert await ids(PLAIN[0], ruled("pin", pinned=4)) == ["plain-0", "liked", "pin"]


async def test_of_items_kept_apart_a_list_shows_the_best() -> None:
    twins = [
        content(f"twin-{n}", embed=text, rules=ContentRules(apart=("twins", f"own-{n}")))
        for n, text in enumerate(["family bookcase", "a family behind the bookcase", "bookcase"])
    ]
    found = await ids(*PLAIN, *twins, limit=11)
    assert [item for item in found if item.startswith("twin")] == ["twin-1"]
    assert len(found) == 10  # eight plain ones, a twin, and the seen one


async def test_a_pinned_item_wins_over_those_it_is_kept_apart_from() -> None:
    best = content("best", embed="a family behind the bookcase", rules=ContentRules(apart=("x",)))
    found = await ids(*PLAIN, best, ruled("pin", pinned=4, apart=("x",)))
    assert found[3] == "pin"
    assert "best" not in found


async def test_a_group_stands_side_by_side_by_id_where_its_best_would() -> None:
    parts = [
        ruled("part-b", embed="a family behind the bookcase", together="tour"),
        ruled("part-a", together="tour"),
        ruled("part-c", together="tour"),
    ]
    found = await ids(*PLAIN, *parts)
    first = found.index("part-a")
    assert found[first : first + 3] == ["part-a", "part-b", "part-c"]
    assert first <= 1


async def test_a_group_that_does_not_fit_is_not_in_the_list() -> None:
    parts = [
        ruled(f"part-{n}", embed="a family behind the bookcase", together="tour") for n in "abc"
    ]
    found = await ids(*PLAIN, *parts, limit=2)
    assert len(found) == 2
    assert all(item.startswith("plain") for item in found)


async def test_a_group_waits_until_there_is_room_beside_a_pinned_item() -> None:
    parts = [
        ruled(f"part-{n}", embed="a family behind the bookcase", together="tour") for n in "ab"
    ]
    found = await ids(*PLAIN, *parts, ruled("pin", pinned=2), limit=4)
    assert found[1:] == ["pin", "part-a", "part-b"]


@pytest.mark.parametrize(
    "other", [{"hidden": True}, {"valid_from_ms": NOW_MS + 1}, {"valid_until_ms": NOW_MS}]
)
async def test_a_group_with_a_member_that_may_not_be_shown_is_not_shown(other: Any) -> None:
    best = ruled("part-a", embed="a family behind the bookcase", together="tour")
    found = await ids(*PLAIN, best, ruled("part-b", together="tour", **other), limit=20)
    assert "part-a" not in found


async def test_of_a_group_that_was_seen_in_part_the_rest_is_shown() -> None:
    parts = [ruled(f"part-{n}", together="tour", embed="a family, a bookcase") for n in "abc"]
    found = await ids(*PLAIN, *parts, seen=("part-b",), limit=5)
    first = found.index("part-a")
    assert found[first : first + 2] == ["part-a", "part-c"]
    assert "part-b" not in found


async def test_a_group_is_not_revisited_in_part() -> None:
    parts = [ruled(f"part-{n}", together="tour") for n in "ab"]
    assert await ids(*parts, seen=("part-a",)) == ["part-b", "liked"]
    assert await ids(*parts, seen=("part-a", "part-b")) == ["part-a", "part-b", "liked"]


async def test_a_pinned_member_brings_its_group_along() -> None:
    parts = [ruled("part-a", together="tour"), ruled("part-b", together="tour", pinned=2)]
    assert (await ids(*PLAIN, *parts))[1:3] == ["part-a", "part-b"]


async def test_a_cap_bounds_the_items_of_one_label_and_spellings_are_one() -> None:
    capped = await answer(*PLAIN, caps=("THEME-what=1", "person_who=1"), limit=9)
    labels = [item.content_id for item in capped.items if item.content_id != "liked"]
    themes = sorted(int(item[-1]) % 3 for item in labels)
    assert themes == [0, 1, 2]
    assert len(await ids(*PLAIN, limit=9)) == 9


async def test_a_distractor_obeys_the_rules_too() -> None:
    kept_apart = content("far", embed="planes over the harbour", rules=ContentRules(apart=("x",)))
    best = ruled("pin", pinned=1, apart=("x",))
    report = (await answer(best, *PLAIN[:1], kept_apart, distractor=True)).diagnostics.distractor
    assert not report.placed
    placed = (await answer(best, *PLAIN[:1], FAR, distractor=True)).diagnostics.distractor
    assert placed.placed


async def test_a_distractor_does_not_take_the_rank_of_a_pinned_item() -> None:
    pins = [ruled("pin-3", pinned=3), ruled("pin-4", pinned=4)]
    found = await answer(*PLAIN, *pins, FAR, distractor=True)
    assert found.diagnostics.distractor.reason == "pinned items take its rank"
    assert [item.content_id for item in found.items][2:4] == ["pin-3", "pin-4"]
