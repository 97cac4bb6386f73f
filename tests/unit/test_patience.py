"""Waiting for others: so long and no longer, but never by a clock that stood still for us."""

import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from serve_api.patience import within


async def slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "there"


async def test_what_comes_in_time_is_given_and_what_does_not_is_cancelled() -> None:
    assert await within(10, slow(0.001)) == "there"
    began, ended = time.monotonic(), asyncio.Event()

    async def ask() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await within(0.02, ask())
    assert 0.02 <= time.monotonic() - began < 1
    assert ended.is_set()


async def test_what_it_raises_is_raised() -> None:
    async def refuse() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await within(1, refuse())


async def test_who_waited_in_vain_can_wait_again_under_another_bound() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError("gone") from None

    with pytest.raises(ConnectionError):
        await within(0.01, stubborn())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def read_while_busy() -> str:
    """Each turn of the loop takes longer than the whole time; what is awaited needs six."""
    is_busy = True

    async def hog() -> None:
        while is_busy:
            time.sleep(0.02)  # noqa: ASYNC251 - just that is the matter
            await asyncio.sleep(0)

    async def read() -> str:
        for _ in range(5):
            await asyncio.sleep(0)
        return "there"

    hogging = asyncio.create_task(hog())
    try:
        return await within(0.01, read())
    finally:
        is_busy = False
        await hogging


@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_who_is_busy_does_not_think_that_others_are_slow(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(read_while_busy()) == "there"


async def test_who_asked_and_goes_away_takes_the_question_along() -> None:
    ended = asyncio.Event()

    async def ask() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def wait() -> None:
        await within(60, ask())

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait_for(ended.wait(), 1)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_is_told_to_end_while_the_time_runs_out_ends() -> None:
    async def ask() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            waiting.cancel()  # once more, by somebody else

    async def wait() -> None:
        await within(0.01, ask())

    waiting = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await waiting
