"""Who withdraws a consent: what was kept up to then goes, and what comes later is accepted."""

from typing import Any

from core.erasing.receipt import Counts
from core.identity.node import Claim
from tests.build import DAY_MS, MINUTE_MS, NOW_MS, event
from tests.places import eraser_of, places
from tests.unit.ingest_loop import Loop

NO = {"context": {"consentManagement": {"deniedConsentIds": ["personalization"]}}}


def view(minutes_ago: int, message_id: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "page",
        "userId": "ada",
        "messageId": message_id,
        "timestamp": _stamp(minutes_ago),
        **more,
    }


def _stamp(minutes_ago: int) -> int:
    return NOW_MS - minutes_ago * MINUTE_MS


async def test_everything_up_to_the_withdrawal_goes_and_later_events_stay() -> None:
    held = places()
    claim = Claim(of="phone", person="ada", ts_ms=NOW_MS - 9, by="device")
    await held.graph.add([claim])
    some = [event("page", user_id="ada", ts_ms=NOW_MS - ms) for ms in (5, 1)]
    some += [event("page", user_id="phone", ts_ms=NOW_MS - 7), event("page", user_id="bob")]
    await held.buffer.append(some, now_ms=NOW_MS)
    counts = await eraser_of(held).withdraw(["ada"], NOW_MS - 3, now_ms=NOW_MS)
    assert counts == Counts(events=2, links=1)
    windows = await held.buffer.fetch_events(["ada", "phone", "bob"], since_ms=0)
    assert [len(one.events) for one in windows] == [1, 0, 1]
    refused = await held.tombstones.among(["ada", "phone", "bob"], now_ms=NOW_MS)
    assert refused == {"ada": NOW_MS - 3, "phone": NOW_MS - 3}
    due = {one.user_id for one in await held.queue.pop(limit=9, now_ms=NOW_MS)}
    assert due == {"ada", "phone"}


async def test_a_withdrawal_told_again_takes_nothing_that_came_later() -> None:
    held = places()
    eraser = eraser_of(held)
    await eraser.withdraw(["ada"], NOW_MS - 3, now_ms=NOW_MS)
    await held.buffer.append([event("page", user_id="ada", ts_ms=NOW_MS)], now_ms=NOW_MS)
    assert await eraser.withdraw(["ada"], NOW_MS - 3, now_ms=NOW_MS) == Counts()
    [window] = await held.buffer.fetch_events(["ada"], since_ms=0)
    assert len(window.events) == 1


async def test_a_withdrawal_among_events_divides_them_by_their_times() -> None:
    loop = Loop()
    await loop.handle(view(60, "kept before"))
    await loop.refresher.refresh_round()
    assert await loop.models.get_signals("ada") is not None
    await loop.handle(view(20, "before"), view(10, "no", **NO), view(5, "after"))
    await loop.handle(view(15, "late"))
    [window] = await loop.buffer.fetch_events(["ada"], since_ms=0)
    assert [one.message_id for one in window.events] == ["after"]
    assert loop.value("erased_events_total") == 2
    loop.now_ms += DAY_MS
    await loop.refresher.refresh_round()
    model = await loop.models.get_signals("ada")
    assert model is not None
    assert model.window.events == 1


async def test_who_said_no_and_nothing_after_it_has_no_model() -> None:
    loop = Loop()
    await loop.handle(view(60, "before"))
    await loop.refresher.refresh_round()
    await loop.handle(view(10, "no", **NO))
    assert await loop.models.get_signals("ada") is None
    loop.now_ms += DAY_MS
    await loop.refresher.refresh_round()
    assert await loop.models.get_signals("ada") is None
    assert await loop.queue.pop(limit=9, now_ms=loop.now_ms + 9 * DAY_MS) == []


async def test_rejected_events_from_before_a_withdrawal_go_and_stay_away() -> None:
    loop = Loop()
    await loop.handle({**view(60, "r"), "type": "unheard of"})
    assert await loop.letters.count() == 1
    await loop.handle(view(-1, "no", **NO))
    assert await loop.letters.count() == 0
