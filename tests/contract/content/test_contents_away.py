"""Qdrant hangs, is killed and comes back while it is asked for every answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.qdrant.connection import Qdrant
from adapters.qdrant.repository import QdrantContentRepository
from adapters.snapshot.live import LiveContentStore
from core.content import ContentFilter
from core.geo import GeoPoint
from core.spaces import embedder_space
from core.standby import Standby
from serve_api.composition import ServeProcess, serve_settings
from tests.build import EMBEDDER, themed_catalogue
from tests.contract.content.written import written
from tests.degraded import Asked, reading, require_quick
from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.process import EdgeServer

STORE = themed_catalogue()
CONTENTS = {one.id: one for one in STORE.contents}
USERS = ["ada", "bob"]
TIMEOUT_S = 1.0


@pytest.fixture
def edge() -> Iterator[EdgeServer]:
    """A server of one test in a process of its own, to stop."""
    with quick_folder() as folder:
        server = EdgeServer(folder)
        server.start()
        yield server
        server.kill()


@pytest.fixture
def settings(edge: EdgeServer) -> ServeProcess:
    return serve_settings(
        {"QDRANT_API_URL": edge.url, "CONTENT_SERVING": "qdrant", "CONTENT_CHECK_MS": "100"}
    )


@pytest.fixture
async def asked(edge: EdgeServer, settings: ServeProcess) -> AsyncIterator[Asked]:
    qdrant = Qdrant(edge.url)
    repository = QdrantContentRepository(qdrant, "contents")
    await written(repository, tuple(CONTENTS.values()), embedder_space(EMBEDDER))
    await qdrant.aclose()
    async with reading(settings, USERS) as asked:
        await until_kept(asked)
        yield asked


async def until_kept(asked: Asked) -> None:
    assert isinstance(asked.standby, Standby)
    kept = asked.standby.contents
    assert isinstance(kept, LiveContentStore)
    async with asyncio.timeout(20):
        while not kept.is_there:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.02)


async def test_answers_go_on_while_qdrant_hangs_and_while_it_is_killed(
    edge: EdgeServer, asked: Asked
) -> None:
    usual = await asked.many(12)
    assert {(one.status, *one.degraded) for one in usual} == {(200,)}
    for harm, heal in ((edge.pause, edge.resume), (edge.kill, edge.start)):
        harm()
        first = await asked.many(4)
        assert {(one.status, *one.degraded) for one in first} == {(200, "contents")}
        assert max(one.seconds for one in first) < TIMEOUT_S + 0.5, "answered while it hangs"
        during = await asked.many(100)
        assert {(one.status, *one.degraded) for one in during} == {(200, "contents")}
        ready = await asked.client.get("/readyz")
        assert (ready.status_code, ready.json()["degraded"]) == (200, ["contents"])
        await require_that_filters_hold(asked)
        heal()
        await asked.recover(within_s=10)
        require_quick(during, usual)


async def require_that_filters_hold(asked: Asked) -> None:
    for parameters, scope in (
        ({"filter": "theme_what:music"}, ContentFilter(tags=("theme_what:music",))),
        (
            {"near": "52.0,13.0", "radius_m": 150},
            ContentFilter(near=GeoPoint(52.0, 13.0), radius_m=150.0),
        ),
    ):
        found = await asked.reply("ada", limit=30, **parameters)
        allowed = {one.id for one in CONTENTS.values() if scope.allows(one)}
        assert set(found.ids) == allowed, "the catalogue is small enough to be kept whole"


async def test_before_anything_was_kept_there_is_no_catalogue() -> None:
    away = serve_settings({"QDRANT_API_URL": "http://127.0.0.1:1", "CONTENT_SERVING": "qdrant"})
    async with reading(away, USERS) as asked:
        for path in ("/readyz", "/api/recommend?user_id=ada"):
            answer = await asked.client.get(path)
            assert (answer.status_code, answer.json()["detail"]) == (503, "no catalogue yet")
