"""`PublisherChild`: a worker's publisher, a process of its own that ends with it.

A build holds the CPU and the interpreter's lock for seconds: beside the
worker's own loops it would hold up every visitor's model.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import structlog

from core.errors import RetryableError
from core.log_names import PUBLISHER_ENDED, PUBLISHER_STARTED
from core.shelf import Lease
from ingest_worker.pacing import pause
from ingest_worker.publishing.report import PublisherCollector, PublisherReport

_LOOK_EVERY_S = 2.0
_AGAIN_S = 1.0
_SILENT_S = 30.0
_END_WITHIN_S = 3.0

_REPORT = msgspec.json.Decoder(PublisherReport)

_log = structlog.get_logger()


def child_command(holder: str) -> list[str]:
    """Starts a publisher that has the worker's lease and ends with its standard input."""
    return [sys.executable, "-m", "ingest_worker", "publisher", holder]


class PublisherChild:
    """Takes the lease when it is free, and has a child use it."""

    def __init__(
        self,
        lease: Lease,
        *,
        holder: str,
        command: Sequence[str],
        shown: PublisherCollector,
        beat: Callable[[], None],
        look_every_s: float = _LOOK_EVERY_S,
        silent_s: float = _SILENT_S,
        end_within_s: float = _END_WITHIN_S,
    ) -> None:
        """Nothing is started yet. `beat` is called as long as it looks after the child.

        `look_every_s`: how often it tries to get the lease. `silent_s`: a child
        that reports nothing for so long hangs. `end_within_s`: what it is given
        to end by itself.
        """
        self._lease = lease
        self._holder = holder
        self._command = command
        self._shown = shown
        self._beat = beat
        self._look_every_s = look_every_s
        self._silent_s = silent_s
        self._end_within_s = end_within_s

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep a child running while the lease is ours, until told to stop."""
        while not stopping.is_set():
            self._beat()
            if await self._may_start():
                await self._run_child(stopping)
                await pause(stopping, _AGAIN_S)
            else:
                await pause(stopping, self._look_every_s)

    async def _may_start(self) -> bool:
        try:
            return await self._lease.hold(self._holder)
        except RetryableError:
            return False

    async def _run_child(self, stopping: asyncio.Event) -> None:
        child = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
        self._shown.starts += 1
        _log.info(PUBLISHER_STARTED, child=child.pid)
        listening = asyncio.create_task(self._listen(child))
        stopped = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({listening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
            stopped.cancel()
            code = await self._end(child)
            self._shown.report.holds_lease = False
            _log.info(PUBLISHER_ENDED, child=child.pid, code=code)

    async def _listen(self, child: Process) -> None:
        """Take over its reports, until it ends or falls silent."""
        if child.stdout is None:
            raise RuntimeError("the child was to be started with a pipe")
        while True:
            try:
                async with asyncio.timeout(self._silent_s):
                    line = await child.stdout.readline()
            except TimeoutError:
                return
            if not line:
                return
            self._beat()
            with suppress(msgspec.DecodeError):  # something else wrote a line
                self._shown.report = _REPORT.decode(line)

    async def _end(self, child: Process) -> int:
        """Let it end by itself, which it does without its standard input, or end it."""
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(self._end_within_s):
                return await child.wait()
        except TimeoutError:
            child.kill()
            return await child.wait()
