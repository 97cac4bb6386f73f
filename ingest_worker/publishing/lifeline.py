"""What ties a child to its worker: it ends with its input, and tells how it is on its output."""

import asyncio
import os
import sys
import threading
from contextlib import suppress

import msgspec

from ingest_worker.pacing import pause
from ingest_worker.publishing.report import PublisherReport

_TELL_EVERY_S = 1.0
_STANDARD_INPUT = 0


def end_with_input(stopping: asyncio.Event) -> None:
    """Set `stopping` when the other end of the standard input is gone, however it went."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        # Not through sys.stdin: its lock would be held when the process ends.
        while os.read(_STANDARD_INPUT, 4096):
            pass
        with suppress(RuntimeError):  # the loop is closed: it has ended already
            loop.call_soon_threadsafe(stopping.set)

    threading.Thread(target=wait, daemon=True).start()


async def tell(report: PublisherReport, stopping: asyncio.Event) -> None:
    """Write the report, a line a second, until told to stop or nobody reads."""
    while not stopping.is_set():
        try:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
            sys.stdout.flush()
        except OSError:
            stopping.set()
        await pause(stopping, _TELL_EVERY_S)
