"""Every outcome of `why`, and that it says what decided."""

from typing import Any

import msgspec
import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.answering import list_for_signals
from core.config import CandidateConfig, RankingConfig
from core.content import Content, ContentRules
from core.explaining.outcomes import (
    Excluded,
    Filtered,
    Hidden,
    Listed,
    NotACandidate,
    NotValidNow,
    Outcome,
    Outscored,
    Ruled,
    Seen,
    TooFar,
)
from core.explaining.why import why
from core.geo import GeoPoint
from core.ranking.context import AnswerContext
from core.ranking.pool import CandidatePool, gather
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import pack
from tests.build import NOW_MS, content

HERE = GeoPoint(52.5, 13.4)
LIKED = content("liked", title="Brundibár", tags=("theme:Music",), embed="an opera of children")
MODEL = UserSignals(
    user_id="u1",
    revision=1,
    positives={"liked": 0.8},
    viewed={"liked": NOW_MS - 1},
    taste_vector=pack(LIKED.vector / 4000),
)
CLOSE = [content(f"close-{n}", embed=f"an opera of children {n}") for n in range(4)]
FAR = content("far", tags=("theme:War",), embed="planes set the harbour on fire")


def recommender(
    *items: Content, config: RankingConfig | None = None
) -> tuple[Recommender, InMemoryUserModelStore, InMemoryContentStore]:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    store = InMemoryContentStore([LIKED, *items])
    return Recommender(models, store, config or RankingConfig(), "c1"), models, store


async def ask(content_id: str, *items: Content, **more: Any) -> Outcome | None:
    model, config = more.pop("model", MODEL), more.pop("config", None)
    made, models, _ = recommender(*items, config=config)
    await models.save_signals([model])
    request = RecommendRequest(user_id="u1", **({"limit": 3} | more))
    return await made.why(content_id, request, now_ms=NOW_MS)


def ruled(content_id: str, embed: str = "an opera of children", **rules: Any) -> Content:
    return content(content_id, embed=embed, rules=ContentRules(**rules))


async def test_an_unknown_item_has_no_outcome() -> None:
    assert await ask("nobody", *CLOSE) is None


async def test_a_listed_item_is_explained_at_its_rank() -> None:
    found = await ask("close-0", *CLOSE[:2], FAR)
    assert isinstance(found, Listed)
    assert found.rank == found.item.rank <= 2
    assert found.item.explanation is not None
    assert found.sentence == f"It is at rank {found.rank}. {found.item.explanation.reason}"


async def test_a_hidden_item_is_hidden_whatever_else_keeps_it_out() -> None:
    found = await ask("x", ruled("x", hidden=True, valid_until_ms=1), exclude=("x",))
    assert isinstance(found, Hidden)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"valid_from_ms": NOW_MS + 1}, "Its time has not come yet."),
        ({"valid_until_ms": NOW_MS}, "Its time is over."),
    ],
)
async def test_an_item_that_is_not_valid_now_says_when_it_is(rules: Any, said: str) -> None:
    found = await ask("x", ruled("x", **rules))
    assert isinstance(found, NotValidNow)
    assert found.sentence == said
    assert found.at_ms == NOW_MS
    times = {"valid_from_ms": found.valid_from_ms, "valid_until_ms": found.valid_until_ms}
    assert {name: value for name, value in times.items() if value is not None} == rules
    listed = await ask("x", ruled("x", **rules), at_ms=NOW_MS + (1 if "yet" in said else -1))
    assert isinstance(listed, Listed)


@pytest.mark.parametrize(
    ("request_", "parameter"), [({"exclude": ("far",)}, "exclude"), ({"session": "far"}, "session")]
)
async def test_what_the_request_names_is_excluded(request_: Any, parameter: str) -> None:
    found = await ask("far", *CLOSE, FAR, **request_)
    assert isinstance(found, Excluded)
    assert found.parameter == parameter


async def test_a_filter_says_which_tags_are_wanted_of_the_facet_that_fails() -> None:
    tags = ("theme:war", "place:Camp", "Place:Town")
    found = await ask("far", FAR, tags=tags)
    assert isinstance(found, Filtered)
    assert (found.parameter, found.wanted) == ("filter", ("place:Camp", "Place:Town"))
    assert found.sentence == "It has no tag place:Camp or Place:Town."


async def test_a_filter_says_which_tag_is_unwanted() -> None:
    found = await ask("far", FAR, without=("theme:Music", "THEME:war"))
    assert isinstance(found, Filtered)
    assert found.unwanted == ("THEME:war",)


async def test_a_filter_says_which_language_the_item_has() -> None:
    found = await ask("de", content("de", language="de"), language="en")
    assert isinstance(found, Filtered)
    assert (found.parameter, found.language) == ("language", "de")


@pytest.mark.parametrize("place", [None, GeoPoint(52.6, 13.4)])
async def test_too_far_says_how_far(place: GeoPoint | None) -> None:
    found = await ask("x", content("x", position=place), near=HERE, radius_m=500.0)
    assert isinstance(found, TooFar)
    assert found.radius_m == 500.0
    if place is None:
        assert found.distance_m is None
    else:
        assert found.distance_m == pytest.approx(11_119.5, abs=1)
        assert "11.1 km" in found.sentence


async def test_a_seen_item_says_when_it_was_seen() -> None:
    found = await ask("liked", *CLOSE)
    assert isinstance(found, Seen)
    assert found.viewed_ms == NOW_MS - 1


async def test_an_item_kept_apart_names_the_one_that_is_listed() -> None:
    twins = [ruled("twin-0", apart=("t",)), ruled("twin-1", "a far harbour", apart=("t",))]
    found = await ask("twin-1", *twins, *CLOSE[:1])
    assert isinstance(found, Ruled)
    assert (found.rule, found.name, found.content_ids) == ("apart", "t", ("twin-0",))
    assert "“Twin-0”" in found.sentence


async def test_a_rule_is_no_reason_before_the_turn_of_an_item_came() -> None:
    twins = [ruled("twin-0", apart=("t",)), ruled("twin-1", "a far harbour", apart=("t",))]
    found = await ask("twin-1", *twins, limit=1)
    assert isinstance(found, Outscored)


async def test_of_seen_items_only_those_whose_turn_came_are_kept_out_by_a_rule() -> None:
    seen = [ruled("a", apart=("t",)), ruled("b", apart=("t",)), ruled("c")]
    model = msgspec.structs.replace(MODEL, viewed={"liked": 9, "c": 3, "b": 2, "a": 1})
    early = await ask("b", *seen, model=model, limit=1)
    assert isinstance(early, Seen)
    late = await ask("b", *seen, model=model, limit=2)
    assert isinstance(late, Ruled)
    assert late.content_ids == ("a",)


async def test_a_group_that_can_never_be_whole_says_what_is_missing() -> None:
    parts = [ruled("part-a", together="tour"), ruled("part-b", together="tour", hidden=True)]
    for limit in (1, 5):
        found = await ask("part-a", *parts, *CLOSE, limit=limit)
        assert isinstance(found, Ruled)
        assert (found.rule, found.name, found.content_ids) == ("together", "tour", ("part-b",))


async def test_a_group_without_room_says_so() -> None:
    parts = [ruled(f"part-{n}", together="tour") for n in "abc"]
    found = await ask("part-a", *parts, *CLOSE, limit=2)
    assert isinstance(found, Ruled)
    assert found.rule == "together"
    assert "no room for 3 side by side" in found.sentence


async def test_a_seen_group_that_is_not_whole_is_not_shown_again() -> None:
    parts = [ruled("part-a", together="tour"), ruled("part-b", together="tour", hidden=True)]
    model = msgspec.structs.replace(MODEL, viewed={"liked": 9, "part-a": 3})
    found = await ask("part-a", *parts, model=model)
    assert isinstance(found, Ruled)
    assert found.content_ids == ("part-b",)


async def test_a_cap_says_which_label_is_full_and_of_what() -> None:
    config = RankingConfig(facet_caps=("theme_what=2",))
    found = await ask("last", *CLOSE[:2], content("last", embed="a harbour"), config=config)
    assert isinstance(found, Ruled)
    assert (found.rule, found.name, found.most) == ("facet_cap", "theme_what:Remembrance", 2)
    assert set(found.content_ids) == {"close-0", "close-1"}


async def test_an_outscored_item_says_by_how_much_and_which_parts_made_it() -> None:
    model = msgspec.structs.replace(MODEL, tag_affinity={"theme_what:Remembrance": 1.0})
    found = await ask("far", *CLOSE, FAR, model=model)
    assert isinstance(found, Outscored)
    assert (found.position, found.candidates) == (5, 5)
    assert found.compared is not None
    assert found.compared.behind_by > 0
    assert found.compared.last_rank == 3
    names = [one.name for one in found.compared.differences]
    assert names[0] == "tag"
    assert found.sentence.endswith("what makes most of the difference is tag.")
    assert found.compared.mmr is not None


async def test_an_item_that_only_likeness_keeps_out_says_like_what() -> None:
    twin = content("close-x", embed="an opera of children 0")
    found = await ask("close-x", CLOSE[0], twin, FAR, limit=2, config=RankingConfig(relevance=0.1))
    assert isinstance(found, Outscored)
    assert found.compared is not None
    assert found.compared.behind_by < 0
    assert found.sentence.startswith("It is too like “Close-0”")


async def test_behind_a_list_of_pinned_items_nothing_is_compared() -> None:
    found = await ask("far", ruled("pin", pinned=1), FAR, limit=1)
    assert isinstance(found, Outscored)
    assert found.compared is None
    assert "without any item that is there for its score" in found.sentence


FEW = CandidateConfig(vector=2, tags=1, geo=1, sample=1, related=1, session=1, popular=1)


async def test_what_no_generator_brought_says_how_near_it_came_to_each() -> None:
    shared: Any = {"tags": ("theme:Music",), "position": HERE, "popularity": 9.0}
    near = [content(f"near-{n}", embed=f"an opera of children {n}", **shared) for n in range(3)]
    out = content(
        "out",
        tags={"theme:Music": 0.5},
        embed="a harbour",
        position=GeoPoint(52.6, 13.4),
        popularity=1.0,
    )
    model = msgspec.structs.replace(MODEL, tag_affinity={"theme:Music": 0.8})
    config = RankingConfig(candidates=FEW)
    outcomes = [
        await ask("out", *near, out, model=model, config=config, near=HERE, limit=1, seed=seed)
        for seed in range(6)
    ]
    found = next(one for one in outcomes if isinstance(one, NotACandidate))
    by = {one.generator: one for one in found.generators}
    assert set(by) == {"taste", "tags", "geo", "related", "sample", "popular"}
    taste, tags, geo = by["taste"], by["tags"], by["geo"]
    assert taste.measure == "cosine"
    assert taste.brought == 2
    assert taste.value is not None
    assert taste.last_value is not None
    assert taste.value < taste.last_value
    assert (tags.measure, tags.value, tags.last_value) == ("tag_overlap", 0.4, 0.8)
    assert geo.measure == "metres"
    assert geo.value == pytest.approx(11119.5, abs=1)
    assert geo.last_value == 0
    assert (by["popular"].value, by["popular"].last_value) == (1.0, 9.0)
    assert (by["related"].value, by["related"].brought) == (0.0, 0)
    assert by["sample"].value is None
    assert not any(one.missed for one in found.generators)
    assert found.position == found.candidates + 1
    assert found.compared is not None
    assert found.sentence.startswith("Others are nearer to what you have read with interest")


async def test_where_the_approximate_search_missed_it_the_answer_says_so() -> None:
    items = [*CLOSE, FAR]
    _, _, store = recommender(*items)
    brought = await store.rows([one.id for one in (CLOSE[1], FAR)])
    likes = await store.rows(["liked"])
    config = RankingConfig(candidates=CandidateConfig(vector=2))
    context = AnswerContext(
        request_id="r", now_ms=NOW_MS, seed=1, config=config, config_version="c1"
    )
    request = RecommendRequest(user_id="u1", explain=True)
    pool = CandidatePool(candidates=gather([("taste", brought)]), likes=likes)
    listing = list_for_signals(MODEL, pool, request, context)
    row = await store.rows(["close-0"])
    found = why(
        row, listing, (), NOW_MS, {"request_id": "r", "user_id": "u1", "content_id": "close-0"}
    )
    assert isinstance(found, NotACandidate)
    [taste] = found.generators
    assert taste.missed
    assert found.sentence == (
        "It is near enough to what you have read with interest, but the search missed it."
    )


async def test_why_makes_the_list_that_recommend_makes() -> None:
    made, models, _ = recommender(*CLOSE, FAR)
    await models.save_signals([MODEL])
    request = RecommendRequest(user_id="u1", limit=3, explain=True)
    listed = await made.recommend(request, now_ms=NOW_MS)
    for item in listed.items:
        found = await made.why(item.content_id, request, now_ms=NOW_MS)
        assert isinstance(found, Listed)
        assert found.item == item
        assert found.request_id == listed.request_id
