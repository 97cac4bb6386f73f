"""Waiting that ends early when the process is told to stop."""

import asyncio


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, at most until `stopping` is set; zero only lets others run."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
