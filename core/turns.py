"""Taking turns: long work in the core lets whoever runs it do other things in between."""

from collections.abc import Awaitable, Callable

Turns = Callable[[], Awaitable[None]]
"""Awaited between two pieces of work."""


async def at_once() -> None:
    """Nobody else waits for a turn."""
