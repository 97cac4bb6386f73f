"""Waiting that ends early when there is a reason to."""

import asyncio


async def pause(until: asyncio.Event, seconds: float) -> None:
    """Wait, at most until the event is set; zero only lets others run."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        return
