"""`Publishing`: a publisher's life. It works while it has the lease, through every outage."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import msgspec
import structlog

from core.errors import RejectedError, RetryableError
from core.log_names import LEASE_LOST, PUBLISHING_FAILED
from core.shelf import Lease
from ingest_worker.publishing.publisher import Publisher
from ingest_worker.publishing.report import PublisherReport

LEASE_MS = 10_000

_log = structlog.get_logger()


class PublishingPace(msgspec.Struct, frozen=True, kw_only=True):
    """How often the source is looked at, the lease renewed, and what failed tried again."""

    every_s: float
    renew_every_s: float = 2.0
    again_s: float = 1.0


class Publishing:
    """Rounds of a publisher, one after the other, while nobody else has the lease."""

    def __init__(
        self,
        publisher: Publisher,
        lease: Lease,
        *,
        holder: str,
        pace: PublishingPace,
        report: PublisherReport,
        beat: Callable[[], None],
        leaves_with_lease: bool,
    ) -> None:
        """`leaves_with_lease`: once another has the lease it ends, instead of waiting for it."""
        self._publisher = publisher
        self._lease = lease
        self._holder = holder
        self._pace = pace
        self._report = report
        self._beat = beat
        self._leaves_with_lease = leaves_with_lease
        self._held = asyncio.Event()
        self._is_begun = False
        self._failing = ""

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until told to stop. A round that has begun is dropped then: that does no harm."""
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._renew(stopping)),
                tasks.create_task(self._work()),
            ]
            await stopping.wait()
            for task in running:
                task.cancel()
        with suppress(RetryableError):
            await self._lease.release(self._holder)

    async def _renew(self, stopping: asyncio.Event) -> None:
        """Take the lease, and keep it; Redis away leaves it as it is."""
        while True:
            self._beat()
            with suppress(RetryableError):
                if await self._lease.hold(self._holder):
                    self._held.set()
                elif self._leaves_with_lease:
                    stopping.set()
                elif self._held.is_set():
                    self._held.clear()
                    _log.warning(LEASE_LOST)
            self._report.holds_lease = self._held.is_set()
            await asyncio.sleep(self._pace.renew_every_s)

    async def _work(self) -> None:
        while True:
            await self._held.wait()
            started_s = monotonic()
            error, published = await self._round()
            took_s = monotonic() - started_s
            if error:
                self._report.failed(error)
                await asyncio.sleep(max(self._pace.every_s, self._pace.again_s))
            elif published:
                self._note(took_s)
                # A source that changes all the time leaves the machine to others now and then.
                await asyncio.sleep(max(self._pace.every_s, took_s / 4))
            else:
                await asyncio.sleep(self._pace.every_s)

    async def _round(self) -> tuple[str, bool]:
        """What kept it from being finished, and whether something was published."""
        error, message = "", ""
        try:
            if not self._is_begun:
                await self._publisher.adopt()
                self._is_begun = True
            return "", await self._publisher.round()
        except RetryableError as exc:
            error, message = "away", str(exc)
        except RejectedError as exc:
            error, message = "refused", str(exc)
        except OSError as exc:
            error, message = "disk", str(exc)
        except Exception:
            # Whatever it is: what was published last stays, and the next change may be better.
            _log.exception(PUBLISHING_FAILED)
            return "bug", False
        finally:
            self._say_once(message)
        return error, False

    def _note(self, took_s: float) -> None:
        self._report.publications += 1
        self._report.seconds = took_s
        if (snapshot := self._publisher.snapshot) is not None:
            self._report.version = snapshot.version
            self._report.items = len(snapshot)

    def _say_once(self, message: str) -> None:
        """One line an outage, not one a round."""
        if message and message != self._failing:
            _log.warning(PUBLISHING_FAILED, error=message)
        self._failing = message
