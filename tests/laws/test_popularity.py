"""What the counts of views hold, whatever was sent and in whatever order, by Hypothesis."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.popularity import InMemoryPopularityStore
from core.events import InteractionEvent
from core.popularity.stored import decode_counts, encode_counts
from core.popularity.views import DAYS, RankedViews, ViewCounter, ViewCounts
from ingest_worker.counting.popularity import CountingPace, PopularityCounting
from ingest_worker.counting.report import CountingReport
from ingest_worker.counting.walk import BufferWalk
from tests.build import DAY_MS, NOW_MS, WINDOW_MS, content, event

ITEMS = ("a", "b", "ü", "not-there")
STORE = InMemoryContentStore(content(one) for one in ITEMS[:3])
TODAY = NOW_MS // DAY_MS
HALF_LIVES = st.floats(0.01, 365.0)

days_ago = st.integers(0, DAYS + 1)
events = st.builds(
    lambda user, item, kind, ago, number: event(
        kind,
        item,
        user_id=user,
        ts_ms=(TODAY - ago) * DAY_MS + number,
        message_id=f"{user}-{item}-{kind}-{ago}-{number}",
    ),
    st.sampled_from(("u1", "u2", "u3")),
    st.sampled_from((*ITEMS, None)),
    st.sampled_from(("view_started", "view_ended", "search", "interaction")),
    st.sampled_from((0, 1, DAYS - 1, DAYS)),  # few, so that many come again the same day
    st.integers(0, 2),
)
histories = st.lists(days_ago, max_size=12)
"""The views of an item, by how many days ago each was."""


async def counted(sent: Sequence[InteractionEvent], *, a_page: int, pieces: int) -> bytes:
    """What is counted of events that came in so many pieces, by pages of so many users."""
    buffer = InMemoryEventBuffer(window_ms=2 * WINDOW_MS, max_events=999)
    for start in range(pieces):
        await buffer.append(sent[start::pieces], now_ms=NOW_MS)
    counting = PopularityCounting(
        walk=BufferWalk(buffer, users_at_once=a_page, clock_s=lambda: 0.0),
        store=InMemoryPopularityStore(ttl_s=60, clock_s=lambda: 0.0),
        contents=lambda: STORE,
        window_ms=WINDOW_MS,
        clock_ms=lambda: NOW_MS,
        pace=CountingPace(every_s=1),
        report=CountingReport(),
    )
    found = await counting.count()
    assert found is not None
    return encode_counts(found)


@given(
    sent=st.lists(events, max_size=25),
    data=st.data(),
    a_page=st.integers(1, 4),
    pieces=st.integers(1, 3),
)
@settings(deadline=None, max_examples=80)
async def test_order_pages_and_duplicates_change_nothing(
    sent: list[InteractionEvent], data: st.DataObject, a_page: int, pieces: int
) -> None:
    again = data.draw(st.permutations([*sent, *sent[::2]]))
    once = await counted(sent, a_page=9, pieces=1)
    assert await counted(again, a_page=a_page, pieces=pieces) == once


@given(sent=st.lists(events, max_size=25))
@settings(deadline=None, max_examples=80)
async def test_a_visitor_counts_once_an_item_and_whole_day(sent: list[InteractionEvent]) -> None:
    found = decode_counts(await counted(sent, a_page=2, pieces=1))
    views = {
        (one.user_id, one.content_id, TODAY - one.ts_ms // DAY_MS)
        for one in sent
        if one.kind in ("view_started", "view_ended") and one.content_id in ITEMS[:3]
    }
    inside = {one for one in views if one[2] < DAYS}
    shown = {
        (item, ago): int(found.views[row, DAYS - 1 - ago])
        for row, item in enumerate(found.ids)
        for ago in range(DAYS)
        if found.views[row, DAYS - 1 - ago]
    }
    assert shown == {
        (item, ago): sum((user, item, ago) in inside for user in ("u1", "u2", "u3"))
        for _, item, ago in inside
    }
    assert found.visitors == len({user for user, *_ in inside})


def of(*views: Sequence[int]) -> ViewCounts:
    """Counts of the items `a`, `b`..., each viewed so many days ago, by a visitor each time."""
    counter = ViewCounter(now_ms=NOW_MS, window_ms=WINDOW_MS)
    for item, ages in zip(ITEMS, views, strict=False):
        for ago in ages:
            counter.add([event("view_ended", item, ts_ms=NOW_MS - ago * DAY_MS)], ITEMS)
    return counter.counts()


def score(found: RankedViews, item: str) -> int:
    """Millionths; 0 of who was not viewed."""
    return int(found.scores[found.ids.index(item)]) if item in found.ids else 0


def ranked(counts: ViewCounts, half_life: float, *, in_days: int = 0) -> RankedViews:
    return counts.ranked(half_life, at_ms=NOW_MS + in_days * DAY_MS)


@given(ages=histories, half_lives=st.tuples(HALF_LIVES, HALF_LIVES))
def test_a_longer_half_life_lowers_no_score_and_none_is_above_the_views(
    ages: list[int], half_lives: tuple[float, float]
) -> None:
    counts = of(ages)
    short, long = (score(ranked(counts, one), "a") for one in sorted(half_lives))
    inside = [ago for ago in ages if ago < DAYS]
    assert 1_000_000 * ages.count(0) <= short <= long <= 1_000_000 * len(inside)


@given(ages=histories, half_life=HALF_LIVES, later=st.integers(0, 20))
def test_scores_fall_with_time_and_halve_with_the_half_life(
    ages: list[int], half_life: float, later: int
) -> None:
    counts = of(ages)
    now = score(ranked(counts, half_life), "a")
    assert score(ranked(counts, half_life, in_days=later), "a") <= now
    halved = score(ranked(counts, later or 1, in_days=later or 1), "a")
    # Each view is rounded to a whole millionth.
    assert abs(2 * halved - score(ranked(counts, later or 1), "a")) <= 2 * len(ages)


@given(ages=histories, shifts=st.lists(st.integers(0, 29), max_size=12), half_life=HALF_LIVES)
def test_who_was_viewed_as_often_but_later_and_more_besides_is_never_behind(
    ages: list[int], shifts: list[int], half_life: float
) -> None:
    """However long the half-life: `b` has each of the views of `a` as new or newer, and others."""
    inside = [ago for ago in ages if ago < DAYS]
    newer = [max(0, ago - shift) for ago, shift in zip(inside, shifts, strict=False)]
    better = [*newer, *inside[len(newer) :], *(one for one in shifts if one > 20)]
    found = ranked(of(inside, better), half_life)
    assert score(found, "b") >= score(found, "a")
    if score(found, "b") > score(found, "a"):
        assert found.ids[0] == "b"


@given(histories=st.lists(histories, min_size=1, max_size=4), half_life=HALF_LIVES)
def test_counts_are_read_back_as_they_were_stored(
    histories: list[list[int]], half_life: float
) -> None:
    counts = of(*histories)
    back = decode_counts(encode_counts(counts))
    assert encode_counts(back) == encode_counts(counts)
    before, after = ranked(counts, half_life), ranked(back, half_life)
    assert (before.ids, before.scores.tolist()) == (after.ids, after.scores.tolist())


@given(ages=histories, ago=st.integers(0, DAYS))
def test_at_an_earlier_moment_later_views_do_not_count(ages: list[int], ago: int) -> None:
    then = ranked(of(ages), 7.0, in_days=-ago)
    until_then = [one - ago for one in ages if ago <= one < DAYS]
    assert then.views.sum() == len(until_then)
    assert score(then, "a") == score(ranked(of(until_then), 7.0), "a")
