"""Statistics of all visitors: gathered on one walk, put on a shelf, swapped in by who answers."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from adapters.array_file import DamagedSnapshotError
from adapters.collective.file import open_statistics, write_statistics
from adapters.collective.live import LiveCollective
from adapters.live_collective import statistics_followed
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.popularity import InMemoryPopularityStore
from adapters.memory.snapshot_shelf import InMemorySnapshotShelf
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.snapshot.folder import VersionedFolder
from adapters.snapshot.follower import ShelfFollower
from adapters.snapshot.metrics import ShelfMetrics
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig, ModelConfig
from core.modelling.build import ModelBasis
from core.updater import UserModelUpdater
from ingest_worker.counting.learning import CollectiveLearning
from ingest_worker.counting.popularity import CountingPace, PopularityCounting
from ingest_worker.counting.report import CountingReport
from ingest_worker.counting.shelved import ShelvedStatistics
from ingest_worker.counting.walk import BufferWalk
from tests.build import NOW_MS, PLAN, WINDOW_MS, event, read, themed_catalogue

STORE = themed_catalogue()


class Everybody:
    """Visitors with events and models, and a counting over them."""

    def __init__(self, shelf: InMemorySnapshotShelf, folder: Path) -> None:
        self.buffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=99)
        self.models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
        self.folder = VersionedFolder(folder, read=open_statistics)
        self.place = ShelvedStatistics(shelf, self.folder, write_statistics)
        self.counting = PopularityCounting(
            walk=BufferWalk(self.buffer, users_at_once=2, clock_s=lambda: 0.0),
            store=InMemoryPopularityStore(ttl_s=60, clock_s=lambda: 0.0),
            contents=lambda: STORE,
            window_ms=WINDOW_MS,
            clock_ms=lambda: NOW_MS,
            pace=CountingPace(every_s=1.0),
            report=CountingReport(),
            learning=CollectiveLearning(self.models, self.place, CollectiveConfig()),
        )

    async def act(self, user: str, *items: str) -> None:
        events = [
            event("view_started", one, user_id=user, impressions=("music-5", "made-up"))
            for one in items
        ]
        events += [read(one, 60, user_id=user) for one in (*items, "made-up")]
        await self.buffer.append(events, now_ms=NOW_MS)
        basis = ModelBasis.of(PLAN, ModelConfig())
        updater = UserModelUpdater(self.buffer, self.models, STORE, basis)
        await updater.refresh(user, now_ms=NOW_MS)

    async def count(self) -> CollectiveStatistics:
        assert await self.counting.count() is not None
        found = await self.place.latest()
        assert found is not None
        return found


@pytest.fixture
def shelf() -> InMemorySnapshotShelf:
    return InMemorySnapshotShelf()


@pytest.fixture
async def everybody(tmp_path: Path, shelf: InMemorySnapshotShelf) -> Everybody:
    made = Everybody(shelf, tmp_path / "publisher")
    for number in range(5):
        await made.act(f"u{number}", "hiding-0", "bombing-3")
    await made.act("one", "rescue-2")
    return made


def ids(statistics: CollectiveStatistics, count: int) -> list[str]:
    return [statistics.arrays.ids[row] for row in range(count)]


async def test_one_walk_counts_who_likes_what_and_how_often_it_was_shown(
    everybody: Everybody,
) -> None:
    found = await everybody.count()
    assert ids(found, 3) == ["bombing-3", "hiding-0", "rescue-2"]
    assert (found.figures.visitors, found.figures.items) == (6, 3)
    assert found.figures.views == found.figures.likes == 11
    shown = dict(zip(found.arrays.ids, found.arrays.impressions.tolist(), strict=True))
    assert (shown["hiding-0"], shown["music-5"]) == (5, 11)
    assert "made-up" not in shown
    assert len(found.arrays.ids) == len(STORE)


async def test_what_is_counted_again_and_is_the_same_is_not_published_again(
    everybody: Everybody, shelf: InMemorySnapshotShelf
) -> None:
    first = await everybody.count()
    number = await shelf.number()
    assert (await everybody.count()).version == first.version
    assert await shelf.number() == number + 1, "nothing was published in between"
    await everybody.act("another", "music-1")
    assert (await everybody.count()).version != first.version


async def test_another_process_takes_it_from_the_shelf_and_a_third_goes_on_from_there(
    everybody: Everybody, shelf: InMemorySnapshotShelf, tmp_path: Path
) -> None:
    published = await everybody.count()
    live = LiveCollective()
    follower = ShelfFollower(
        shelf,
        VersionedFolder(tmp_path / "serving", read=open_statistics),
        live,
        statistics_followed(lambda one: live.prepare(one, STORE.columns)),
        metrics=ShelfMetrics(CollectorRegistry(), "collective"),
        every_ms=1,
    )
    assert live.current() is None
    await follower.look()
    collective = live.current()
    assert collective is not None
    assert collective.version == published.version
    assert not collective.is_empty
    successor = Everybody(shelf, tmp_path / "successor")
    latest = await successor.place.latest()
    assert latest is not None
    assert latest.version == published.version


async def test_statistics_that_cannot_be_read_are_as_good_as_none(
    everybody: Everybody, shelf: InMemorySnapshotShelf, tmp_path: Path
) -> None:
    version = (await everybody.count()).version
    broken = tmp_path / "broken"
    broken.write_bytes(b"ai-coll\n" + b"\0" * 100)
    with pytest.raises(DamagedSnapshotError):
        open_statistics(broken)
    await shelf.publish(version, broken, number=await shelf.number())
    assert await Everybody(shelf, tmp_path / "next").place.latest() is None
