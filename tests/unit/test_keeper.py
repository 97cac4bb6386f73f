"""The keeper of a shard over entries that somebody left pending."""

import asyncio
from collections.abc import Sequence

import pytest

from core.errors import RetryableError
from core.queues import DeadLetter, RawBatch
from tests.build import raw_batch
from tests.unit.ingest_loop import Pending, dead_letters, keeper


async def test_a_keeper_applies_and_then_acknowledges_what_was_left() -> None:
    pending = Pending((raw_batch("7-0"), 1), (raw_batch("8-0"), 1))

    async def handle(batches: Sequence[RawBatch]) -> None:
        pending.calls.append(("handle", *(one.entry_id for one in batches)))

    await keeper(pending, handle).keep(asyncio.Event())
    assert pending.calls == [
        "group",
        "trim",
        "revive",
        ("take", "7-0", "8-0"),
        ("handle", "7-0", "8-0"),
        ["7-0", "8-0"],
    ]


async def test_entries_that_came_back_are_in_hand_one_at_a_time() -> None:
    """Else one that ends every worker takes its neighbours along to the cap."""
    pending = Pending((raw_batch("7-0"), 2), (raw_batch("8-0"), 1), (raw_batch("9-0"), 2))

    async def handle(batches: Sequence[RawBatch]) -> None:
        pending.calls.append(("handle", *(one.entry_id for one in batches)))

    await keeper(pending, handle).keep(asyncio.Event())
    assert [call[1:] for call in pending.calls if call[0] == "take"] == [
        ("8-0",),
        ("7-0",),
        ("9-0",),
    ]


@pytest.mark.parametrize("error", [RetryableError("away"), ValueError("a bug")])
async def test_a_keeper_acknowledges_nothing_that_failed_and_goes_on(error: Exception) -> None:
    pending, stopping = Pending((raw_batch("7-0"), 1)), asyncio.Event()
    outcomes = iter([error, None])

    async def handle(_: Sequence[RawBatch]) -> None:
        if (failure := next(outcomes)) is not None:
            pending.stale_entries["7-0"] = (raw_batch("7-0"), 2)
            raise failure
        stopping.set()

    async with asyncio.timeout(5):
        await keeper(pending, handle).run(stopping)
    assert pending.calls.count(["7-0"]) == 1


async def test_an_entry_that_nobody_finishes_becomes_a_dead_letter_and_is_done() -> None:
    pending, letters = Pending((raw_batch("7-0"), 3)), dead_letters()

    async def handle(_: Sequence[RawBatch]) -> None:
        raise AssertionError("an exhausted entry is not tried again")

    await keeper(pending, handle, letters).keep(asyncio.Event())
    [letter] = [one.letter for one in await letters.latest(limit=9)]
    assert (letter.reason, letter.entry_id, letter.body) == ("exhausted", "7-0", b"[]")
    assert ["7-0"] in pending.calls


async def test_an_entry_given_up_on_is_masked_but_for_its_visitors_ids() -> None:
    body = b'[{"userId":"ada@example.org","traits":{"email":"ada@example.org"}}]'
    pending, letters = Pending((raw_batch("7-0", body), 3)), dead_letters()

    async def handle(_: Sequence[RawBatch]) -> None:
        raise AssertionError("an exhausted entry is not tried again")

    await keeper(pending, handle, letters).keep(asyncio.Event())
    [letter] = [one.letter for one in await letters.latest(limit=9)]
    assert letter.body == b'[{"userId":"ada@example.org","traits":{"email":"<e-mail>"}}]'


async def test_one_entry_that_fails_stops_no_other() -> None:
    pending = Pending(
        (raw_batch("7-0"), 1), (raw_batch("8-0", b"poison"), 1), (raw_batch("9-0"), 1)
    )

    async def handle(batches: Sequence[RawBatch]) -> None:
        if any(one.body == b"poison" for one in batches):
            raise ValueError("a bug")

    await keeper(pending, handle).keep(asyncio.Event())
    assert [call for call in pending.calls if isinstance(call, list)] == [["7-0"], ["9-0"]]


async def test_a_stopping_worker_finishes_what_it_was_given() -> None:
    pending = Pending()
    pending.left_over = [raw_batch("7-0")]
    handled: list[RawBatch] = []

    async def handle(batches: Sequence[RawBatch]) -> None:
        handled.extend(batches)

    await keeper(pending, handle).finish()
    assert handled == [raw_batch("7-0")]
    assert pending.calls == [["7-0"]]


async def test_a_stopping_worker_finishes_the_rest_beside_an_entry_with_a_bug() -> None:
    pending = Pending()
    pending.left_over = [raw_batch("7-0"), raw_batch("8-0", b"poison"), raw_batch("9-0")]

    async def handle(batches: Sequence[RawBatch]) -> None:
        if any(one.body == b"poison" for one in batches):
            raise ValueError("a bug")

    await keeper(pending, handle).finish()
    assert pending.calls == [["7-0"], ["9-0"]]


async def test_an_outage_is_no_fault_of_the_entries_in_hand() -> None:
    pending = Pending((raw_batch("7-0"), 2), (raw_batch("8-0"), 1), (raw_batch("9-0"), 1))

    async def handle(_: Sequence[RawBatch]) -> None:
        raise RetryableError("away")

    with pytest.raises(RetryableError, match="away"):
        await keeper(pending, handle).keep(asyncio.Event())
    assert pending.calls[3:] == [("take", "8-0", "9-0"), ("forgive", ("8-0", 1), ("9-0", 1))]


async def test_a_bug_is_not_forgiven() -> None:
    pending = Pending((raw_batch("7-0"), 1), (raw_batch("8-0"), 2))

    async def handle(_: Sequence[RawBatch]) -> None:
        raise ValueError("a bug")

    await keeper(pending, handle).keep(asyncio.Event())
    assert pending.calls[3:] == [("take", "7-0"), ("take", "8-0")]


async def test_an_entry_that_cannot_be_given_up_for_now_is_forgiven() -> None:
    """A full Redis takes no dead letter; the entry stays where it is."""
    pending, letters = Pending((raw_batch("7-0"), 3)), dead_letters()

    async def add(letters: Sequence[DeadLetter]) -> None:
        raise RetryableError(f"no room for {len(letters)}")

    letters.add = add  # type: ignore[method-assign]

    async def handle(_: Sequence[RawBatch]) -> None:
        raise AssertionError("an exhausted entry is not tried again")

    with pytest.raises(RetryableError, match="no room for 1"):
        await keeper(pending, handle, letters).keep(asyncio.Event())
    assert pending.calls[3:] == [("take", "7-0"), ("forgive", ("7-0", 3))]


async def test_the_letter_of_a_given_up_entry_says_how_often_it_was_tried() -> None:
    pending, letters = Pending((raw_batch("7-0", at_ms=123), 5)), dead_letters()

    async def handle(_: Sequence[RawBatch]) -> None:
        raise AssertionError("an exhausted entry is not tried again")

    await keeper(pending, handle, letters).keep(asyncio.Event())
    [letter] = [one.letter for one in await letters.latest(limit=9)]
    assert (letter.deliveries, letter.received_ms) == (5, 123)
