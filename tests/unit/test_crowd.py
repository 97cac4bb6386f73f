"""What all visitors together like, and what that does to a list."""

from collections.abc import Sequence

import msgspec
import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.user_models import InMemoryUserModelStore
from core.collective.collective import Collective
from core.config import CovisitConfig, ModelConfig, RankingConfig, ScorerWeights
from core.modelling.build import ModelBasis
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.updater import UserModelUpdater
from tests.build import NOW_MS, PLAN, read
from tests.crowd import CATALOGUE, STORE, WEIGHTS, built


async def recommend(
    *events: object,
    collective: Collective | None,
    config: RankingConfig | None = None,
    contents: InMemoryContentStore = STORE,
    **request: object,
) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    basis = ModelBasis.of(PLAN, ModelConfig())
    updater = UserModelUpdater(FakeEventSource(events), models, contents, basis)  # type: ignore[arg-type]
    await updater.refresh("u1", now_ms=NOW_MS)
    recommender = Recommender(
        models,
        contents,
        config or RankingConfig(),
        basis.config_version,
        collective=lambda: collective,
    )
    wanted = RecommendRequest(user_id="u1", **request)  # type: ignore[arg-type]
    return await recommender.recommend(wanted, now_ms=NOW_MS)


def crowd(times: int, likes: Sequence[str] = ("hiding-0", "bombing-3")) -> Collective:
    return Collective(built([list(likes)] * times))


def rank_of(answer: Recommendation, content_id: str) -> int:
    return [one.content_id for one in answer.items].index(content_id) + 1


async def test_what_others_liked_beside_it_comes_up_the_more_of_them_there_are() -> None:
    read_one = read("hiding-0", 40)
    alone = await recommend(read_one, collective=None, limit=27)
    few = await recommend(read_one, collective=crowd(5), limit=27)
    many = await recommend(read_one, collective=crowd(3000), limit=27)
    assert rank_of(many, "bombing-3") == 1
    assert rank_of(alone, "bombing-3") > rank_of(many, "bombing-3")
    parts = [
        {one.content_id: one.contributions for one in answer.items}["bombing-3"]["covisit"]
        for answer in (few, many)
    ]
    assert 0 < parts[0] < parts[1] < WEIGHTS.covisit
    for one in many.items:
        assert one.score == pytest.approx(sum(one.contributions.values()), abs=1e-9)
    assert "covisit" in many.items[0].generated_by


async def test_nobodys_likes_leave_every_byte_of_the_ranking_as_content_makes_it() -> None:
    empty = Collective(built([]))
    for events in ((), (read("hiding-0", 40), read("bombing-0", 40))):
        without = await recommend(*events, collective=None, limit=20)
        with_none = await recommend(*events, collective=empty, limit=20)
        assert with_none.items == without.items


async def test_a_stranger_meets_what_most_like() -> None:
    answer = await recommend(collective=crowd(3000, ["bombing-3"]), limit=5)
    assert answer.items[0].content_id == "bombing-3"
    assert answer.items[0].contributions["popularity"] == pytest.approx(
        WEIGHTS.popularity * 3000 / 3300, abs=0.02
    )
    assert "liked" in answer.items[0].generated_by


async def test_popularity_makes_way_as_covisit_gets_certain() -> None:
    unread = await recommend(collective=crowd(3000), limit=27)
    known = await recommend(read("hiding-0", 40), collective=crowd(3000), limit=27)
    cold, warm = (
        {one.content_id: one.contributions for one in answer.items}["bombing-3"]["popularity"]
        for answer in (unread, known)
    )
    assert warm < cold / 3


async def test_the_latest_like_says_most() -> None:
    both = Collective(built([["hiding-0", "bombing-3"], ["hiding-1", "rescue-2"]] * 2000))
    config = RankingConfig(covisit=CovisitConfig(half_life_readings=1.0, floor=0.0))
    old, new = read("hiding-0", 40), read("hiding-1", 40, ts_ms=NOW_MS - 1000)
    answer = await recommend(old, new, collective=both, config=config, limit=20)
    values = {one.content_id: one.contributions["covisit"] for one in answer.items}
    assert values["rescue-2"] > 1.5 * values["bombing-3"] > 0


async def test_what_others_read_speaks_within_a_visit_and_what_they_liked_after_it_too() -> None:
    of_visit = {"coview", "next", "common"}
    for minutes, spoken in ((29, of_visit), (31, set())):
        seen = read("hiding-0", 40, ts_ms=NOW_MS - minutes * 60_000)
        answer = await recommend(seen, collective=crowd(3000), limit=27)
        parts = {one.content_id: one.contributions for one in answer.items}["bombing-3"]
        assert of_visit & parts.keys() == spoken
        assert parts["covisit"] > 0.3


async def test_who_says_what_is_read_just_now_is_amid_a_visit() -> None:
    seen = read("hiding-1", 40, ts_ms=NOW_MS - 60 * 60_000)
    answer = await recommend(seen, collective=crowd(3000), session="hiding-0", limit=27)
    parts = {one.content_id: one.contributions for one in answer.items}["bombing-3"]
    assert parts["coview"] > 0.3


async def test_what_most_like_makes_way_within_a_visit() -> None:
    pairs = [["hiding-0", "bombing-3"], ["hiding-0", "music-1"]] * 1000
    collective = Collective(built([*pairs, *[["bombing-3"]] * 2000]))
    answer = await recommend(read("hiding-0", 40), collective=collective, limit=27)
    parts = {one.content_id: one.contributions for one in answer.items}
    assert parts["bombing-3"]["common"] < parts["music-1"]["common"] < 0
    assert "common" not in (await recommend(collective=collective)).items[0].contributions


async def test_to_the_nearest_of_views_the_last_one_says_nearly_all() -> None:
    both = Collective(built([["hiding-0", "bombing-3"], ["hiding-1", "rescue-2"]] * 2000))
    only_near = CovisitConfig(ease_share=0.0)
    old, new = read("hiding-0", 40), read("hiding-1", 40, ts_ms=NOW_MS - 1000)
    answer = await recommend(
        old, new, collective=both, config=RankingConfig(covisit=only_near), limit=20
    )
    parts = {one.content_id: one.contributions for one in answer.items}
    assert parts["rescue-2"]["coview"] > 3.9 * parts["bombing-3"]["coview"] > 0
    assert parts["rescue-2"]["covisit"] < 2 * parts["bombing-3"]["covisit"]


async def test_one_new_item_a_list_is_tried_and_said_to_be() -> None:
    late = ("hiding-5", "bombing-5")
    before = built([["hiding-0", "bombing-3"]] * 9, [one for one in CATALOGUE if one not in late])
    after = built([["hiding-0", "bombing-3"]] * 9, previous=before)
    for seed in range(6):
        answer = await recommend(collective=Collective(after), limit=20, seed=seed)
        tried = [one for one in answer.items if one.contributions.get("novelty")]
        assert len(tried) == 1
        assert tried[0].content_id in late
        assert "fresh" in tried[0].generated_by
        assert tried[0].contributions["novelty"] == pytest.approx(0.8)


async def test_what_is_read_just_now_counts_as_the_latest_like() -> None:
    answer = await recommend(collective=crowd(3000), session="hiding-0", limit=20)
    values = {one.content_id: one.contributions for one in answer.items}
    assert values["bombing-3"]["covisit"] > 0.3


async def test_the_item_that_others_came_from_is_named() -> None:
    answer = await recommend(read("hiding-0", 40), collective=crowd(3000), limit=27, explain=True)
    told = {one.content_id: one.explanation for one in answer.items}["bombing-3"]
    assert told is not None
    others = {name: one.content_id for name, one in told.evidence.others.items()}
    assert others == dict.fromkeys(("covisit", "coview"), "hiding-0")
    assert told.reason == "Others who liked “Hiding-0” liked it, too."


async def test_a_new_item_says_that_it_is_new() -> None:
    before = built([["hiding-0", "bombing-3"]] * 9, [one for one in CATALOGUE if one != "music-5"])
    after = built([["hiding-0", "bombing-3"]] * 9, previous=before)
    answer = await recommend(collective=Collective(after), limit=20, explain=True)
    told = {one.content_id: one.explanation for one in answer.items}["music-5"]
    assert told is not None
    assert told.reason == "It is new here."


async def test_an_item_that_is_hidden_says_nothing_of_who_read_it() -> None:
    hidden = InMemoryContentStore(
        msgspec.structs.replace(one, rules=msgspec.structs.replace(one.rules, hidden=True))
        if one.id == "hiding-0"
        else one
        for one in STORE.columns.contents
    )
    answer = await recommend(
        collective=crowd(3000), session="hiding-0", limit=20, contents=hidden, explain=True
    )
    assert all("covisit" not in one.contributions for one in answer.items)
    read_it = await recommend(
        read("hiding-0", 40), collective=crowd(3000), limit=20, contents=hidden, explain=True
    )
    assert any(one.contributions.get("covisit") for one in read_it.items)
    for one in read_it.items:
        assert one.explanation is not None
        assert not one.explanation.evidence.others
        assert "hiding-0" not in one.explanation.reason.lower()


async def test_a_new_item_that_nothing_speaks_for_is_tried_at_the_tenth_rank() -> None:
    before = built(
        [["hiding-0", "bombing-3"]] * 900, [one for one in CATALOGUE if one != "music-5"]
    )
    after = Collective(built([["hiding-0", "bombing-3"]] * 900, previous=before))
    config = RankingConfig(weights=ScorerWeights(novelty=0.0))
    read_one = read("hiding-1", 40)
    whole = await recommend(read_one, collective=after, config=config, limit=20, explain=True)
    place = rank_of(whole, "music-5")
    assert place == 10
    told = whole.items[place - 1].explanation
    assert told is not None
    assert told.mmr is None
    assert told.reason == "It is new here."
    shorter = await recommend(read_one, collective=after, config=config, limit=5)
    assert [one.content_id for one in shorter.items] == [one.content_id for one in whole.items[:5]]
    assert "music-5" not in [one.content_id for one in shorter.items]
