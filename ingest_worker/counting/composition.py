"""Wires what is counted over all visitors."""

from collections.abc import Callable

from adapters.collective.file import write_statistics
from adapters.live_collective import collective_folder, collective_shelf
from adapters.process import clock_ms
from adapters.redis.connection import Client
from adapters.settings import SharedSettings
from core.ports import ContentStore
from ingest_worker.counting.learning import CollectiveLearning, StatisticsPlace
from ingest_worker.counting.popularity import CountingPace, PopularityCounting
from ingest_worker.counting.report import CountingReport
from ingest_worker.counting.shelved import ShelvedStatistics
from ingest_worker.counting.walk import BufferWalk
from ingest_worker.stores import Stores


def popularity_counting(
    settings: SharedSettings,
    stores: Stores,
    contents: Callable[[], ContentStore | None],
    report: CountingReport,
    place: StatisticsPlace,
) -> PopularityCounting:
    """What counts views, over whichever adapters; `contents` is None while another does.

    What all visitors like is learnt beside it, and put to `place`.
    """
    return PopularityCounting(
        walk=BufferWalk(stores.buffer),
        store=stores.popularity,
        contents=contents,
        window_ms=settings.model.window_ms,
        clock_ms=clock_ms,
        pace=CountingPace(every_s=settings.popularity.every_s),
        report=report,
        learning=CollectiveLearning(stores.models, place, settings.collective),
    )


def shelved_statistics(settings: SharedSettings, client: Client) -> ShelvedStatistics:
    """Where the statistics of all visitors lie for who answers."""
    return ShelvedStatistics(
        collective_shelf(client), collective_folder(settings), write_statistics
    )
