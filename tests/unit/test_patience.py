"""Waiting for others: so long and no longer, but never by a clock that stood still for us."""

import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from serve_api.patience import Patience


async def slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "there"


async def test_what_comes_in_time_is_given_and_what_does_not_is_cancelled() -> None:
    async with Patience(slow(0.001)) as asked:
        assert await asked.within(10) == "there"
    began = time.monotonic()
    async with Patience(slow(60)) as asked:
        with pytest.raises(TimeoutError):
            await asked.within(0.02)
    assert 0.02 <= time.monotonic() - began < 1
    with pytest.raises(asyncio.CancelledError):
        await asked._task


async def test_what_it_raises_is_raised() -> None:
    async def refuse() -> None:
        raise ValueError("no")

    async with Patience(refuse()) as asked:
        with pytest.raises(ValueError, match="no"):
            await asked.within(1)


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
        async with Patience(read()) as asked:
            return await asked.within(0.01)
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
        async with Patience(ask()) as asked:
            await asked.within(60)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait_for(ended.wait(), 1)
