"""`Recommender` and `UserModelUpdater` over the in-memory adapters: what a visitor gets."""

from typing import Any

import pytest

from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import EngagementConfig, ModelConfig, RankingConfig
from core.geo import GeoPoint
from core.modelling.build import ModelBasis
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.updater import UserModelUpdater
from tests.build import DAY_MS, NOW_MS, PLAN, event, read, themed_catalogue

STORE = themed_catalogue()


async def recommend(*events: Any, user_id: str = "u1", **request: Any) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    basis = ModelBasis.of(PLAN, ModelConfig())
    updater = UserModelUpdater(FakeEventSource(events), models, STORE, basis)
    await updater.refresh("u1", now_ms=NOW_MS)
    recommender = Recommender(models, STORE, RankingConfig(), basis.config_version)
    wanted = RecommendRequest(user_id=user_id, **request)
    return await recommender.recommend(wanted, now_ms=NOW_MS)


def ids(answer: Recommendation) -> list[str]:
    return [item.content_id for item in answer.items]


def themes(answer: Recommendation) -> list[str]:
    return [content_id.partition("-")[0] for content_id in ids(answer)]


async def test_two_deep_reads_bring_their_theme_up_and_are_not_shown_again() -> None:
    before = themes(await recommend(limit=8))
    answer = await recommend(read("hiding-0", 40), read("hiding-1", 40), limit=8)
    assert themes(answer)[:4] == ["hiding"] * 4
    assert before.count("hiding") < 4
    assert not {"hiding-0", "hiding-1"} & set(ids(answer))
    assert answer.strategy == "warm"


async def test_an_abandoned_story_pushes_its_theme_down() -> None:
    liked = read("hiding-0", 40)
    without = await recommend(liked, limit=28)
    left = await recommend(liked, read("bombing-0", 1, "abandon"), limit=28)
    mean = {
        name: sum(rank for rank, theme in enumerate(themes(answer)) if theme == "bombing") / 5
        for name, answer in (("without", without), ("left", left))
    }
    assert mean["left"] > mean["without"]
    scores = [item.contributions["aversion"] for item in left.items if "bombing" in item.content_id]
    assert max(scores) < 0


async def test_a_stranger_gets_a_full_and_diverse_list_marked_cold() -> None:
    answer = await recommend(user_id="nobody", limit=10)
    assert answer.strategy == "cold_diverse"
    assert len(set(ids(answer))) == 10
    assert len(set(themes(answer)[:5])) >= 4


async def test_two_strangers_do_not_see_the_same_first_item_by_rule() -> None:
    firsts = {ids(await recommend(user_id=f"nobody-{n}", limit=1))[0] for n in range(12)}
    assert len(firsts) > 3


async def test_a_persona_leads_a_cold_list() -> None:
    answer = await recommend(event("survey", answers={"personalization_theme": "Music"}), limit=5)
    assert answer.strategy == "cold_persona"
    assert themes(answer) == ["music"] * 5


@pytest.mark.parametrize("distractor", [True, False])
@pytest.mark.parametrize("user_id", ["u1", "nobody"])
async def test_a_filter_never_leaks(user_id: str, *, distractor: bool) -> None:
    reads = (read("hiding-0", 40), read("hiding-1", 40))
    for tags, theme in ((("theme_what:music",), "music"), (("THEME_WHAT: Rescue",), "rescue")):
        answer = await recommend(*reads, user_id=user_id, tags=tags, distractor=distractor)
        assert set(themes(answer)) == {theme}
        assert len(answer.items) == 6


async def test_filters_of_two_facets_combine_with_and_of_one_with_or() -> None:
    both = await recommend(tags=("theme_what:Music", "person_who.group:Group 1"), limit=30)
    assert sorted(ids(both)) == ["music-1", "music-4"]
    either = await recommend(tags=("theme_what:Music", "theme_what:Rescue"), limit=30)
    assert set(themes(either)) == {"music", "rescue"}
    assert len(either.items) == 12


async def test_near_with_a_radius_never_leaks_and_combines_with_the_filter() -> None:
    near = GeoPoint(52.0, 13.0)
    answer = await recommend(near=near, radius_m=150.0, limit=30, distractor=True)
    assert sorted(ids(answer)) == ["hiding-0", "hiding-1", "hiding-2"]
    nothing = await recommend(near=near, radius_m=150.0, tags=("theme_what:Music",))
    assert ids(nothing) == []


async def test_near_without_a_radius_prefers_the_close_and_restricts_nothing() -> None:
    answer = await recommend(near=GeoPoint(54.0, 13.0), limit=30)
    assert ids(answer)[0] == "music-0"
    assert len(answer.items) == 30


async def test_an_exhausted_filter_is_filled_with_the_oldest_seen_marked_as_revisit() -> None:
    seen = [read(f"music-{n}", 40, ts_ms=NOW_MS - (10 - n) * 60_000) for n in range(5)]
    answer = await recommend(*seen, tags=("theme_what:Music",), limit=4)
    assert ids(answer) == ["music-5", "music-0", "music-1", "music-2"]
    assert [item.generated_by for item in answer.items[1:]] == [("revisit",)] * 3


async def test_the_distractor_is_far_from_the_taste() -> None:
    answer = await recommend(read("hiding-0", 40), distractor=True, limit=5)
    [marked] = [item for item in answer.items if item.kind == "distractor"]
    assert marked.rank == answer.diagnostics.distractor.rank
    assert marked.generated_by == ("distractor",)


async def test_the_answer_says_how_it_came_about() -> None:
    found = (await recommend(read("hiding-0", 40), near=GeoPoint(52.0, 13.0))).diagnostics
    assert set(found.generators) == {"taste", "tags", "geo", "sample"}
    assert found.pool_size == 29
    assert found.model_age_ms == 0
    assert found.newest_event_ms == NOW_MS - 60_000
    assert found.catalogue_version == STORE.version


async def test_the_same_question_has_the_same_answer() -> None:
    events = (read("hiding-0", 40), read("music-1", 10, "abandon"))
    assert await recommend(*events, distractor=True) == await recommend(*events, distractor=True)


async def test_the_content_comes_along_when_asked_for() -> None:
    [first] = (await recommend(limit=1, include_content=True)).items
    assert first.content is not None
    assert first.content == (await STORE.get([first.content_id]))[first.content_id].shown()


async def test_likes_that_have_faded_to_nothing_have_no_part_in_a_score() -> None:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    basis = ModelBasis.of(PLAN, ModelConfig(engagement=EngagementConfig(half_life_days=1)))
    old = FakeEventSource([read("hiding-0", 40, ts_ms=NOW_MS - 20 * DAY_MS)])
    [one] = await UserModelUpdater(old, models, STORE, basis).refresh("u1", now_ms=NOW_MS)
    assert one.signals is not None
    assert one.signals.positives == {"hiding-0": 0.0}
    recommender = Recommender(models, STORE, RankingConfig(), basis.config_version)
    answer = await recommender.recommend(
        RecommendRequest(user_id="u1", explain=True), now_ms=NOW_MS
    )
    assert all("affinity" not in item.contributions for item in answer.items)
    assert all(0 <= item.score <= 1 for item in answer.items)
