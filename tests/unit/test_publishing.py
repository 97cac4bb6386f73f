"""A publisher's life: only with the lease, through outages, and over as soon as it is told."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import RejectedError, RetryableError
from ingest_worker.publishing.life import LEASE_MS, Publishing, PublishingPace
from ingest_worker.publishing.report import PublisherReport
from tests.publishers import Desk
from tests.sources import item


class OneLease:
    """A lease that somebody holds until they let go of it."""

    def __init__(self, holder: str = "") -> None:
        self.holder = holder
        self.is_away = False

    async def hold(self, holder: str) -> bool:
        if self.is_away:
            raise RetryableError("Redis is away")
        self.holder = self.holder or holder
        return self.holder == holder

    async def release(self, holder: str) -> None:
        if self.holder == holder:
            self.holder = ""


class Life:
    """A running publisher."""

    def __init__(self, desk: Desk, lease: OneLease, *, leaves: bool = False) -> None:
        self.desk, self.lease = desk, lease
        self.report, self.beats = PublisherReport(), 0
        self.stopping = asyncio.Event()
        self.publishing = Publishing(
            desk.publisher,
            lease,
            holder="me",
            pace=PublishingPace(every_s=0.001, renew_every_s=0.01, again_s=0.01),
            report=self.report,
            beat=self.beat,
            leaves_with_lease=leaves,
        )
        self.running = asyncio.create_task(self.publishing.run(self.stopping))

    def beat(self) -> None:
        self.beats += 1

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def end(self) -> None:
        self.stopping.set()
        async with asyncio.timeout(20):
            await self.running


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "folder", item("a"))


async def test_it_publishes_what_changes_and_says_so(desk: Desk) -> None:
    life = Life(desk, OneLease())
    await life.until(lambda: life.report.publications == 1)
    desk.source.change(item("b"))
    await life.until(lambda: life.report.publications == 2)
    assert list(await desk.served()) == ["a", "b"]
    assert life.report.items == 2
    assert life.report.version == await desk.shelf.current()
    assert life.report.holds_lease
    assert life.beats
    await life.end()
    assert life.lease.holder == "", "the next one need not wait"


async def test_it_waits_for_the_lease(desk: Desk) -> None:
    life = Life(desk, OneLease("another"))
    await asyncio.sleep(0.1)
    assert desk.shelf.published == []
    assert not life.report.holds_lease
    life.lease.holder = ""
    await life.until(lambda: bool(desk.shelf.published))
    await life.end()


async def test_it_stops_publishing_when_it_has_lost_the_lease(desk: Desk) -> None:
    life = Life(desk, OneLease())
    await life.until(lambda: life.report.publications == 1)
    life.lease.holder = "another"
    await life.until(lambda: not life.report.holds_lease)
    await asyncio.sleep(0.05)
    desk.source.change(item("b"))
    await asyncio.sleep(0.1)
    assert life.report.publications == 1
    await life.end()
    assert life.lease.holder == "another"


async def test_a_child_ends_when_another_has_the_lease(desk: Desk) -> None:
    life = Life(desk, OneLease("another"), leaves=True)
    async with asyncio.timeout(20):
        await life.running
    assert desk.shelf.published == []


async def test_redis_away_is_no_loss_of_the_lease(desk: Desk) -> None:
    life = Life(desk, OneLease(), leaves=True)
    await life.until(lambda: life.report.publications == 1)
    life.lease.is_away = True
    await asyncio.sleep(0.1)
    assert life.report.holds_lease
    await life.end()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RetryableError("away"), "away"),
        (OSError("full"), "disk"),
        (RejectedError("no"), "refused"),
        (ZeroDivisionError("a bug"), "bug"),
    ],
)
async def test_whatever_keeps_a_round_from_its_end_is_counted_and_tried_again(
    desk: Desk, error: Exception, kind: str
) -> None:
    desk.source.errors = [error, error]
    life = Life(desk, OneLease())
    await life.until(lambda: life.report.publications == 1)
    assert life.report.failures == {kind: 2}
    await life.end()


async def test_a_stop_waits_for_no_build(desk: Desk) -> None:
    life = Life(desk, OneLease())
    desk.write_takes_s = 5.0
    await life.until(lambda: desk.is_writing)
    started_s = asyncio.get_running_loop().time()
    await life.end()
    assert asyncio.get_running_loop().time() - started_s < 2.0
    assert await desk.shelf.current() is None


def test_the_lease_outlives_some_renewals_that_fail() -> None:
    assert 3 * PublishingPace(every_s=1).renew_every_s < LEASE_MS / 1000
