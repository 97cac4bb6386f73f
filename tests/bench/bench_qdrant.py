"""What a catalogue in Qdrant costs: to import it, and to ask it at every request.

The server is the test server over Qdrant's own engine, in a process of its
own. Import beside the client uploading the same points in the same batches;
the searches and whole recommendations through `qdrant-client` beside the same
ones in this process's memory, which is what a snapshot is for. `CPU` is this
process's alone: what is left of a core for other requests.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic, perf_counter, process_time

from qdrant_client import AsyncQdrantClient, models

from adapters.embedding.hashed import HashedEmbedder
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.qdrant.collections import vectors_of
from adapters.qdrant.connection import Qdrant
from adapters.qdrant.content_store import QdrantContentStore
from adapters.qdrant.payload import SPARSE, point_of
from adapters.qdrant.repository import QdrantContentRepository
from adapters.settings import SharedSettings
from core.content import Content, ContentFilter
from core.digests import digests_of
from core.importing.importer import ContentImporter, ImportRow
from core.ports import ContentStore, StoredContent
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from tests.bench.bench_recommend import made_up_items
from tests.bench.harness import Effort, Row, latency, medians, rate, repeated, run_async
from tests.bench.models import basis_of, save_models
from tests.bench.payloads import visitor
from tests.bench.servers import scratch
from tests.qdrant_edge.process import EdgeServer

_ITEMS_A_SECOND = 10_000
_MOST_ITEMS = 10_000
_EVENTS = 50
_BATCH = 256
_USER = visitor(1)
_SPACE = "bench-384"
_EVERYTHING = ContentFilter()


def measure(effort: Effort) -> list[Row]:
    """Import, then ask."""
    items = made_up_items()[: min(_MOST_ITEMS, effort.count(_ITEMS_A_SECOND))]
    with scratch() as folder:
        server = EdgeServer(Path(folder) / "qdrant")
        server.start()
        try:
            return run_async(_measure(items, server.url, effort))
        finally:
            server.stop()


async def _measure(items: Sequence[Content], url: str, effort: Effort) -> list[Row]:
    qdrant = Qdrant(url, timeout_s=60.0)
    try:
        rows = [await _import(items, qdrant, url)]
        catalogues: dict[str, ContentStore] = {
            "qdrant": await QdrantContentStore.open(qdrant, "contents"),
            "memory": InMemoryContentStore(items, _SPACE),
        }
        rows += await _searches(items[0], catalogues, effort)
        return rows + await _answers(len(items), catalogues, effort)
    finally:
        await qdrant.aclose()


async def _import(items: Sequence[Content], qdrant: Qdrant, url: str) -> Row:
    """The whole import of items that bring their vectors, and the upload alone."""

    def rows() -> Iterator[ImportRow]:
        return (ImportRow(content=one) for one in items)

    async def imported() -> None:
        repository = QdrantContentRepository(qdrant, "contents")
        importer = ContentImporter(repository, HashedEmbedder(), rows, declared_space=_SPACE)
        outcome = await importer.run(await importer.plan(), prune=False, batch=_BATCH)
        if outcome.written != len(items):
            raise RuntimeError(f"{outcome.written} of {len(items)} items were written")

    upload_s = await _seconds(lambda: _upload(items, url))
    import_s = await _seconds(imported)
    name = f"import of {len(items):,} items into Qdrant | the client's upload of the points"
    return rate(name, len(items) / import_s, len(items) / upload_s, "items/s")


async def _upload(items: Sequence[Content], url: str) -> None:
    points = [
        point_of(StoredContent(content=one, digests=digests_of(one, _SPACE)), changed_ms=1)
        for one in items
    ]
    client = AsyncQdrantClient(url=url, timeout=60, check_compatibility=False)
    await client.create_collection(
        "plain",
        vectors_config=vectors_of(len(items[0].vector)),
        sparse_vectors_config={SPARSE: models.SparseVectorParams()},
    )
    for start in range(0, len(points), _BATCH):
        await client.upsert("plain", points[start : start + _BATCH], wait=True)
    await client.delete_collection("plain")
    await client.close()


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    started = perf_counter()
    await work()
    return perf_counter() - started


async def _searches(
    like: Content, catalogues: dict[str, ContentStore], effort: Effort
) -> list[Row]:
    runs = {}
    for name, contents in catalogues.items():

        async def search(contents: ContentStore = contents) -> None:
            found = await contents.search_vector(like.vector, limit=200, where=_EVERYTHING)
            _ = found.vectors

        runs[name] = repeated(search, effort.seconds / 2)
    found = await medians(runs, effort.repetitions)
    named = "vector search through qdrant-client"
    return [
        latency(f"{named}, p50 | in memory", found["qdrant"].p50_ms, found["memory"].p50_ms),
        latency(f"{named}, p99 | in memory", found["qdrant"].p99_ms, found["memory"].p99_ms),
    ]


async def _answers(items: int, catalogues: dict[str, ContentStore], effort: Effort) -> list[Row]:
    settings = SharedSettings()
    models_store = InMemoryUserModelStore(ttl_s=3600, clock_s=monotonic)
    await save_models([_USER], _EVENTS, catalogues["memory"], models_store)
    version = basis_of(settings).config_version
    request = RecommendRequest(user_id=_USER)
    runs, cpu_ms = {}, {}
    for name, contents in catalogues.items():
        recommender = Recommender(models_store, contents, settings.ranking, version)

        async def answer(recommender: Recommender = recommender) -> None:
            answered = await recommender.recommend(request, now_ms=clock_ms())
            if len(answered.items) != request.limit:
                raise RuntimeError("a list is short")

        runs[name] = repeated(answer, effort.seconds / 2)
        cpu_ms[name] = await _cpu_ms(answer, max(2, round(20 * effort.seconds)))
    found = await medians(runs, effort.repetitions)
    named = f"recommend through qdrant-client, {items:,} items"
    return [
        latency(f"{named}, p50 | in memory", found["qdrant"].p50_ms, found["memory"].p50_ms),
        latency(f"{named}, p99 | in memory", found["qdrant"].p99_ms, found["memory"].p99_ms),
        latency(f"{named}, CPU | in memory", cpu_ms["qdrant"], cpu_ms["memory"]),
    ]


async def _cpu_ms(work: Callable[[], Awaitable[None]], times: int) -> float:
    await work()
    before = process_time()
    for _ in range(times):
        await work()
    return (process_time() - before) / times * 1000
