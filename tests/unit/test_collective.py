"""What all visitors together like: the statistics, and what they do to a list."""

from collections.abc import Mapping, Sequence
from random import Random

import msgspec
import numpy as np
import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.user_models import InMemoryUserModelStore
from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.readings import ReadingGatherer, Readings
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig, CovisitConfig, ModelConfig, RankingConfig, ScorerWeights
from core.modelling.build import ModelBasis
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.updater import UserModelUpdater
from tests.build import DAY_MS, NOW_MS, PLAN, read, themed_catalogue

STORE = themed_catalogue()
CATALOGUE = list(STORE.columns.ids)
WEIGHTS = ScorerWeights()
ITEMS = [f"i{number}" for number in range(12)]
KEEP_ALL = CollectiveConfig(neighbours=50, ease_lambda=3.0, near_shrink=2.0)


def model_of(likes: Sequence[str], *, ts_ms: int = NOW_MS) -> UserSignals:
    """Of a visitor who likes all that they have read."""
    viewed = {item: ts_ms - 60_000 * number for number, item in enumerate(likes)}
    return UserSignals(user_id="other", viewed=viewed, positives=dict.fromkeys(likes, 0.5))


def readings_of(visitors: Sequence[Sequence[str]], *, age_days: float = 0.0) -> Readings:
    gatherer = ReadingGatherer(most=100)
    for likes in visitors:
        gatherer.add(model_of(likes, ts_ms=NOW_MS - round(age_days * DAY_MS)))
    return gatherer.readings()


def built(
    visitors: Sequence[Sequence[str]],
    catalogue: Sequence[str] = CATALOGUE,
    config: CollectiveConfig = KEEP_ALL,
    *,
    impressions: Mapping[str, int] | None = None,
    previous: CollectiveStatistics | None = None,
) -> CollectiveStatistics:
    counted = Counted(readings=readings_of(visitors), impressions=impressions or {})
    return build_statistics(counted, catalogue, config, now_ms=NOW_MS, previous=previous)


def some_visitors(seed: int = 1, count: int = 40) -> list[list[str]]:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    return [random.sample(ITEMS, random.randint(1, 6)) for _ in range(count)]


def dense(statistics: CollectiveStatistics, visitors: Sequence[Sequence[str]]) -> np.ndarray:
    """Who likes what, by the rows of the statistics. Shape: (visitors, liked)."""
    row_of = {one: row for row, one in enumerate(statistics.arrays.ids)}
    matrix = np.zeros((len(visitors), statistics.figures.items))
    for visitor, likes in enumerate(visitors):
        matrix[visitor, [row_of[one] for one in likes]] = 1.0
    return matrix


def test_ease_is_the_solution_of_its_equation() -> None:
    visitors = some_visitors()
    statistics = built(visitors, ITEMS)
    likes = dense(statistics, visitors)
    inverse = np.linalg.inv(likes.T @ likes + 3.0 * np.eye(likes.shape[1]))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0.0)
    lists = statistics.arrays.likes.ease
    found = [lists.summed(np.array([row]), np.ones(1), len(wanted)) for row in range(len(wanted))]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_nearest_are_liked_by_the_same_visitors_few_of_whom_count_less() -> None:
    visitors = some_visitors()
    statistics = built(visitors, ITEMS)
    likes = dense(statistics, visitors)
    together = likes.T @ likes
    own = np.diag(together)
    wanted = together / np.sqrt(np.outer(own, own)) * together / (together + 2.0)
    np.fill_diagonal(wanted, 0.0)
    lists = statistics.arrays.likes.near
    found = [lists.summed(np.array([row]), np.ones(1), len(wanted)) for row in range(len(wanted))]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    np.fill_diagonal(together, 0.0)
    assert statistics.arrays.likes.support.tolist() == together.sum(axis=1).tolist()


def test_lists_keep_the_strongest_only() -> None:
    visitors = some_visitors(count=200)
    whole = built(visitors, ITEMS)
    short = built(visitors, ITEMS, CollectiveConfig(neighbours=3, ease_lambda=3.0, near_shrink=2.0))
    for kept, every in (
        (short.arrays.likes.near, whole.arrays.likes.near),
        (short.arrays.likes.ease, whole.arrays.likes.ease),
    ):
        for row in range(whole.figures.items):
            begin, end = every.starts[row : row + 2]
            strongest = np.sort(np.abs(every.weights[begin:end]))[-3:]
            begin, end = kept.starts[row : row + 2]
            np.testing.assert_allclose(np.sort(np.abs(kept.weights[begin:end])), strongest)


def test_items_beyond_the_most_liked_have_neighbours_but_no_ease() -> None:
    config = CollectiveConfig(ease_items=4, neighbours=50)
    statistics = built(some_visitors(), ITEMS, config)
    assert np.diff(statistics.arrays.likes.ease.starts)[4:].sum() == 0
    assert (np.diff(statistics.arrays.likes.near.starts) > 0).all()


def test_the_order_of_visitors_changes_nothing_and_an_older_day_does() -> None:
    visitors = some_visitors()
    first = built(visitors, ITEMS)
    assert built(visitors[::-1], ITEMS).figures.version == first.figures.version
    assert built(visitors[:-1], ITEMS).figures.version != first.figures.version


def test_likes_of_what_is_not_in_the_catalogue_do_not_count() -> None:
    visitors = some_visitors()
    with_gone = [[*likes, "gone"] for likes in visitors]
    assert built(with_gone, ITEMS).figures.version == built(visitors, ITEMS).figures.version


def test_a_visitor_counts_with_the_latest_likes_only() -> None:
    gatherer = ReadingGatherer(most=2)
    gatherer.add(model_of(["new", "middle", "old"]))
    assert gatherer.readings().ids == ("new", "middle")


def test_half_a_life_ago_a_like_counts_half() -> None:
    config = CollectiveConfig(half_life_days=10.0)
    now = build_statistics(
        Counted(readings=readings_of([["i0"]] * 8)), ITEMS, config, now_ms=NOW_MS
    ).figures.decayed_likes
    older = Counted(readings=readings_of([["i0"]] * 8, age_days=10.0))
    then = build_statistics(older, ITEMS, config, now_ms=NOW_MS).figures.decayed_likes
    assert then == pytest.approx(now / 2)


def test_what_came_into_the_catalogue_later_is_new_and_the_least_shown_comes_first() -> None:
    visitors = some_visitors()
    before = built(visitors, ITEMS)
    assert not len(before.arrays.fresh)
    shown = {"late-1": 7, "late-2": 2}
    after = built(visitors, [*ITEMS, "late-1", "late-2"], impressions=shown, previous=before)
    assert after.arrays.ids.take(after.arrays.fresh.astype(np.intp)) == ["late-2", "late-1"]


def test_of_new_items_those_shown_less_are_tried_more_often() -> None:
    before = built(some_visitors(), ITEMS)
    shown = {"rare": 1, "often": 19}
    after = built(some_visitors(), [*ITEMS, *shown], impressions=shown, previous=before)
    collective = Collective(after)
    first = [after.arrays.ids[collective.fresh(seed)[0]] for seed in range(500)]
    assert 0.85 < first.count("rare") / 500 < 0.95  # ten to one, expected .909
    assert collective.fresh(7) == collective.fresh(7)


def test_a_transition_leads_to_what_was_liked_soon_after_and_fades_with_every_step() -> None:
    orders = [["i0", "i1", "i2"]] * 4  # the latest first: i2 was read before i1 before i0
    config = CollectiveConfig(near_shrink=0.0, next_within_s=90.0, next_decay=0.5)
    row_of = {one: row for row, one in enumerate(built(orders, ITEMS).arrays.ids)}
    lists = built(orders, ITEMS, config).arrays.next
    assert lists.weight(row_of["i2"], row_of["i1"]) > 0
    assert lists.weight(row_of["i1"], row_of["i2"]) == 0
    # Two minutes later is not soon.
    assert lists.weight(row_of["i2"], row_of["i0"]) == 0
    whole = built(orders, ITEMS, CollectiveConfig(near_shrink=0.0, next_decay=0.5)).arrays.next
    near, far = (whole.weight(row_of["i2"], row_of[one]) for one in ("i1", "i0"))
    assert near == pytest.approx(4 / np.sqrt(6 * 4))
    assert far == pytest.approx(2 / np.sqrt(6 * 6))


def test_no_transition_leads_from_one_visitor_to_another_or_to_what_was_not_liked() -> None:
    gatherer = ReadingGatherer(most=100)
    for _ in range(3):
        gatherer.add(UserSignals(user_id="a", viewed={"i1": 1000}, positives={"i1": 1.0}))
        gatherer.add(
            UserSignals(user_id="b", viewed={"i2": 3000, "i3": 2000}, positives={"i3": 1.0})
        )
    counted = Counted(readings=gatherer.readings())
    statistics = build_statistics(counted, ITEMS, KEEP_ALL, now_ms=NOW_MS)
    assert not len(statistics.arrays.next.rows)
    assert len(statistics.arrays.views.near.rows) == 2


def test_quality_is_the_share_of_likes_drawn_to_the_mean_where_readers_are_few() -> None:
    gatherer = ReadingGatherer(most=100)
    for number in range(40):
        positives = {"i0": 1.0} if number % 4 else {}
        viewed = {"i0": 5, "i1": 4} if number == 1 else {"i0": 5}
        gatherer.add(UserSignals(user_id="a", viewed=viewed, positives=positives))
    statistics = build_statistics(
        Counted(readings=gatherer.readings()), ITEMS, KEEP_ALL, now_ms=NOW_MS
    )
    mean = 30 / 41
    wanted = [(30 + 10 * mean) / 50, 10 * mean / 11]
    np.testing.assert_allclose(statistics.arrays.quality, wanted, rtol=1e-6)


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


def test_after_its_try_an_item_is_not_new_any_more() -> None:
    before = built(some_visitors(), ITEMS)
    shown = {"tried": 25, "late": 24}
    after = built(some_visitors(), [*ITEMS, *shown], impressions=shown, previous=before)
    assert after.arrays.ids.take(after.arrays.fresh.astype(np.intp)) == ["late"]
