"""Progress and rate of a command that goes through much."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

import click


class Bar(Protocol):
    """Shows how far a command has come."""

    def update(self, n_steps: int) -> None:
        """So many steps more."""
        ...


class _NoBar:
    def update(self, n_steps: int) -> None:
        """Show nothing."""


@contextmanager
def progress(label: str, *, length: int, shown: bool) -> Iterator[Bar]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not shown or not sys.stderr.isatty():
        yield _NoBar()
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar


class RateLimit:
    """Keeps to at most `per_second`, also after a time in which less was done."""

    def __init__(self, per_second: float | None) -> None:
        """None leaves it open."""
        self._per_second = per_second
        self._next_s = monotonic()

    async def spend(self, count: int) -> None:
        """Wait until `count` more are due."""
        if self._per_second is not None:
            self._next_s = max(self._next_s, monotonic()) + count / self._per_second
            await asyncio.sleep(self._next_s - monotonic())
