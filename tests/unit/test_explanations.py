"""What an explained answer says of its items: evidence, rules, MMR, and one sentence."""

from typing import Any

import msgspec
import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import RankingConfig, ScorerWeights
from core.content import Content, ContentRules
from core.explanation import (
    Apart,
    Distracting,
    Explanation,
    FacetCap,
    LikedItem,
    NamedItem,
    Pinned,
    Revisit,
    TagShare,
    Together,
)
from core.geo import GeoPoint
from core.recommendation import Recommendation, RecommendRequest
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
STRANGER = UserSignals(user_id="u1", revision=1)


async def answer(
    *items: Content,
    model: UserSignals = MODEL,
    config: RankingConfig | None = None,
    **request: Any,
) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    await models.save_signals([model])
    store = InMemoryContentStore([LIKED, *items])
    recommender = Recommender(models, store, config or RankingConfig(), "c1")
    wanted = RecommendRequest(user_id="u1", **({"explain": True} | request))
    return await recommender.recommend(wanted, now_ms=NOW_MS)


async def explain(content_id: str, *items: Content, **more: Any) -> Explanation:
    found = await answer(*items, **more)
    [item] = [item for item in found.items if item.content_id == content_id]
    assert item.explanation is not None
    return item.explanation


def only(**weights: float) -> RankingConfig:
    """Only these scorers count."""
    silent = dict.fromkeys(msgspec.structs.asdict(ScorerWeights()), 0.0)
    return RankingConfig(weights=ScorerWeights(**(silent | weights)))


OPERA = content("opera", tags=("theme:Music", "place:Camp"), embed="an opera of children again")
HARBOUR = content("harbour", tags=("theme:War",), embed="planes set the harbour on fire")


async def test_without_asking_nothing_is_explained() -> None:
    found = await answer(OPERA, explain=False)
    assert all(item.explanation is None for item in found.items)
    assert b"explanation" not in msgspec.json.encode(found)


async def test_the_liked_item_behind_the_affinity_is_named_with_how_close_it_is() -> None:
    found = await explain("opera", OPERA, HARBOUR, config=only(affinity=0.25))
    assert found.reason == "Because you read “Brundibár”."
    liked = found.evidence.liked
    assert isinstance(liked, LikedItem)
    assert (liked.content_id, liked.strength, liked.scaled) == ("liked", 0.8, 1.0)
    [affinity] = [one for one in found.scorers if one.name == "affinity"]
    assert affinity.value == liked.scaled * (liked.cosine + 1) / 2


async def test_a_tag_that_both_have_and_that_contributes_is_named_too() -> None:
    model = msgspec.structs.replace(MODEL, tag_affinity={"Theme:music": 0.5})
    found = await explain("opera", OPERA, HARBOUR, model=model, config=only(affinity=0.5, tag=0.01))
    assert found.reason == "Because you read “Brundibár”, and it is about music too."
    silent = await explain("opera", OPERA, HARBOUR, model=model, config=only(affinity=0.5))
    assert silent.reason == "Because you read “Brundibár”."


async def test_what_was_liked_without_being_viewed_was_not_read() -> None:
    model = msgspec.structs.replace(MODEL, viewed={})
    found = await explain("opera", OPERA, HARBOUR, model=model, config=only(affinity=0.25))
    assert found.reason.startswith("Because of “Brundibár”")


async def test_shared_tags_part_the_contribution_to_the_last_digit() -> None:
    model = msgspec.structs.replace(
        MODEL, tag_affinity={"theme:Music": 1.0, "place:Camp": 0.5, "theme:War": 0.3}
    )
    item = content("opera", tags={"theme:Music": 0.7, "place:Camp": 0.3})
    found = await explain("opera", item, HARBOUR, model=model, config=only(tag=0.25))
    assert found.reason == "It is about Music, which interests you."
    assert found.evidence.tags["tag"] == (
        TagShare(tag="theme:Music", wanted=1.0, owned=0.7, contribution=0.097223),
        TagShare(tag="place:Camp", wanted=0.5, owned=0.3, contribution=0.020833),
    )
    [tag] = [one for one in found.scorers if one.name == "tag"]
    assert tag.contribution == 0.118056


async def test_a_tag_without_weight_is_no_evidence() -> None:
    model = msgspec.structs.replace(MODEL, tag_affinity={"theme:Music": 1.0})
    item = content("none", tags={"theme:Music": 0.0})
    found = await explain("none", item, HARBOUR, model=model, config=only(tag=0.25))
    assert found.evidence.tags == {}
    assert "Music" not in found.reason


async def test_what_only_spares_an_item_is_no_reason() -> None:
    model = msgspec.structs.replace(MODEL, tag_aversion={"theme:War": 1.0})
    found = await explain("opera", OPERA, HARBOUR, model=model, config=only(aversion=-0.25))
    assert found.reason == "Something to discover."


async def test_disliked_tags_part_what_they_take_away() -> None:
    model = msgspec.structs.replace(MODEL, tag_aversion={"theme:War": 0.6, "theme:Fire": 0.4})
    found = await explain("harbour", OPERA, HARBOUR, model=model)
    [share] = found.evidence.tags["aversion"]
    assert (share.tag, share.contribution) == ("theme:War", -0.15)


async def test_what_was_viewed_last_is_named_as_far_as_it_is_known() -> None:
    newest = content("newest", title="The newest", embed="quite another thing")
    model = msgspec.structs.replace(
        MODEL,
        viewed={"gone": NOW_MS, "newest": NOW_MS - 1},
        recency_vector=pack(newest.vector / 4000),
    )
    given: dict[str, Any] = {"model": model, "config": only(recency=0.1)}
    found = await explain("opera", OPERA, HARBOUR, newest, **given)
    assert found.reason == "Like “The newest”, which you viewed last."
    assert found.evidence.last_viewed == NamedItem(content_id="newest", title="The newest")
    later = msgspec.structs.replace(model, viewed={"harbour": NOW_MS, "newest": NOW_MS - 1})
    known = await explain("opera", OPERA, HARBOUR, newest, **(given | {"model": later}))
    assert known.evidence.last_viewed == found.evidence.last_viewed
    unknown = await explain("opera", OPERA, HARBOUR, **given)
    assert unknown.reason == "Like what you viewed last."
    assert unknown.evidence.last_viewed is None


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (GeoPoint(52.50036, 13.4), "40 m from where you are."),
        (GeoPoint(52.509, 13.4), "1.0 km from where you are."),
    ],
)
async def test_what_is_near_says_how_near(place: GeoPoint, reason: str) -> None:
    close = content("close", position=place)
    found = await explain("close", close, HARBOUR, near=HERE, config=only(geo=0.2))
    assert found.reason == reason
    assert found.evidence.distance_m == pytest.approx(40, abs=0.1) or "km" in reason
    nowhere = await explain("harbour", close, HARBOUR, near=HERE, config=only(geo=0.2))
    assert nowhere.evidence.distance_m is None
    assert "where you are" not in nowhere.reason


async def test_showings_that_were_passed_over_are_told() -> None:
    model = msgspec.structs.replace(MODEL, unopened={"opera": (2.5, -0.3)})
    found = await explain("opera", OPERA, model=model)
    assert found.evidence.unopened_showings == 2.5


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"session": 0.6}, "Like “Now”, which you have just viewed."),
        ({"session_tag": 0.3}, "It is about Music, like “Now”."),
        ({"session_related": 0.3}, "“Now” leads on to it."),
    ],
)
async def test_the_item_just_viewed_is_named(weights: dict[str, float], reason: str) -> None:
    now = content("now", tags=("theme:Music",), related={"opera": 1.0})
    found = await explain("opera", OPERA, HARBOUR, now, session="now", config=only(**weights))
    assert found.reason == reason
    assert found.evidence.session == NamedItem(content_id="now", title="Now")


async def test_what_sets_an_item_apart_is_named_before_what_all_have() -> None:
    model = msgspec.structs.replace(MODEL, tag_affinity={"theme:War": 1.0})
    weights = only(semantic=1.0, tag=0.1)
    found = await explain("harbour", OPERA, HARBOUR, model=model, config=weights)
    parts = {one.name: one.contribution for one in found.scorers}
    assert parts["semantic"] > parts["tag"]
    assert found.reason == "It is about War, which interests you."


async def test_a_scorer_without_words_of_its_own_is_named_by_its_name() -> None:
    model = msgspec.structs.replace(MODEL, unopened={"opera": (9.0, -0.3)})
    found = await explain("opera", OPERA, HARBOUR, model=model, config=only(fatigue=0.5))
    assert found.reason == "Chosen for its fatigue."


async def test_a_stranger_is_told_what_is_popular_and_no_more() -> None:
    popular = content("popular", popularity=5.0)
    assert (await explain("popular", popular, model=STRANGER)).reason == (
        "Popular with other visitors."
    )
    plain = await explain("opera", OPERA, model=STRANGER)
    assert plain.reason == "Something to discover."
    assert plain.scorers == ()


async def test_a_pinned_item_says_so_and_was_not_picked() -> None:
    pin = content("pin", rules=ContentRules(pinned=1, apart=("x",)))
    found = await explain("pin", pin, OPERA)
    assert found.reason == "Pinned by the curators."
    assert found.rules == (Pinned(rank=1), Apart(name="x"))
    assert found.mmr is None


async def test_a_group_names_who_brought_it_along() -> None:
    tour = [
        content(f"tour-{n}", embed=text, rules=ContentRules(together="tour"))
        for n, text in enumerate(["planes", "an opera of children again"])
    ]
    other, leader = [await explain(one.id, *tour, HARBOUR) for one in tour]
    assert other.rules == leader.rules == (Together(group="tour", leader="tour-1"),)
    assert other.reason == "It belongs with “Tour-1”."
    assert other.mmr is None
    assert leader.mmr is not None
    assert "belongs" not in leader.reason


async def test_a_cap_says_how_many_of_its_label_there_are() -> None:
    config = RankingConfig(facet_caps=("theme=2",))
    found = await explain("opera", OPERA, HARBOUR, config=config)
    assert found.rules == (FacetCap(label="theme:Music", listed=2, most=2),)


async def test_a_revisit_and_a_distractor_say_what_they_are() -> None:
    seen = await explain("liked", OPERA)
    assert seen.reason == "You have seen it before: nothing new is left here."
    assert seen.rules == (Revisit(viewed_ms=NOW_MS - 1),)
    near = [content(f"near-{n}", embed=f"an opera of children {n}") for n in range(9)]
    found = await answer(*near, HARBOUR, distractor=True, limit=5)
    [item] = [item for item in found.items if item.kind == "distractor"]
    assert item.explanation is not None
    assert item.explanation.reason == "Something different on purpose."
    assert item.explanation.rules == (Distracting(strategy="max_dissimilar"),)
    assert item.explanation.mmr is None


async def test_mmr_tells_what_an_item_is_too_like() -> None:
    twin = content("twin", embed="an opera of children again")
    found = await answer(OPERA, twin, HARBOUR, limit=3)
    first, *rest = [item.explanation for item in found.items]
    assert first is not None
    assert first.mmr is not None
    assert (first.mmr.closest, first.mmr.penalty) == (None, 0.0)
    [second] = [
        one for one in rest if one and one.mmr and one.mmr.penalty == pytest.approx(0.3, abs=1e-3)
    ]
    assert second.mmr is not None
    assert second.mmr.closest in ("opera", "twin")


async def test_what_lies_behind_the_pool_was_not_picked() -> None:
    items = [content(f"item-{n}") for n in range(4)]
    found = await answer(*items, config=RankingConfig(mmr_pool=2), limit=4)
    steps = [item.explanation.mmr is not None for item in found.items if item.explanation]
    assert steps == [True, True, False, False]


async def test_an_item_without_a_title_is_named_by_its_id() -> None:
    untitled = content("now", title="")
    found = await explain("opera", OPERA, untitled, session="now", config=only(session=0.6))
    assert found.reason == "Like “now”, which you have just viewed."


async def test_answers_that_differ_in_an_explanation_alone_have_two_etags() -> None:
    found = await answer(OPERA)
    [item, *rest] = found.items
    assert item.explanation is not None
    other = msgspec.structs.replace(item.explanation, reason="Another.")
    changed = msgspec.structs.replace(
        found, items=(msgspec.structs.replace(item, explanation=other), *rest)
    )
    assert changed.etag() != found.etag() != (await answer(OPERA, explain=False)).etag()
