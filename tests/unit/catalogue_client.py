"""A read API over a small catalogue, asked in this process."""

from collections.abc import Mapping
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.popularity import InMemoryPopularityStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.config import PopularityConfig
from core.content import ContentRules
from core.errors import RetryableError
from core.geo import GeoPoint
from core.popularity.views import ViewCounter, ViewCounts
from core.ports import ContentStore
from serve_api.composition import serve_app
from serve_api.latest_views import LatestViews
from serve_api.settings import ServeSettings
from serve_api.sources import Sources
from tests.build import DAY_MS, WINDOW_MS, content, event
from tests.gates import serve_gate_of

ODD_IDS = ("a/b", "/", "a//b/", "a b", "100%", "ü-😀", "a%2Fb", "a?b#c", "+", "日本/x")
CATALOGUE = InMemoryContentStore(
    [
        content(
            "opera",
            title="An opera in the ghetto",
            text="Children sing.",
            tags=("theme:Music",),
            position=GeoPoint(50.5, 14.1),
            place="Terezín",
            image="https://example.org/1",
            language="en",
        ),
        content(
            "song",
            title="A song at the gate",
            text="Prisoners sing.",
            tags=("theme:Music", "length:Short"),
        ),
        content("plain", title="Plain", text="", tags=()),
        content("hidden", text="They sing.", rules=ContentRules(hidden=True)),
        content("over", text="They sang to sing.", rules=ContentRules(valid_until_ms=1)),
        *(content(odd, title=odd, text="odd", tags=()) for odd in ODD_IDS),
    ]
)


class Store(InMemoryPopularityStore):
    """A store that may be away, and whose time is the test's."""

    def __init__(self) -> None:
        super().__init__(ttl_s=60, clock_s=lambda: self.now_s)
        self.now_s = 0.0
        self.is_away = False

    async def get(self, known: ViewCounts | None = None) -> ViewCounts | None:
        if self.is_away:
            raise RetryableError("Redis is away")
        return await super().get(known)


def app_of(contents: ContentStore = CATALOGUE, views: LatestViews | None = None) -> ASGIApp:
    """The read API; `views` are looked at by the test."""
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    sources = Sources(
        models=models,
        patient_models=models,
        contents=contents,
        events=FakeEventSource(()),
        views=(views or LatestViews(Store())).counts,
    )
    settings = SharedSettings(popularity=PopularityConfig(half_life_days=4.0))
    serve = ServeSettings(max_limit=20)
    return serve_app(settings, serve, serve_gate_of(serve), sources, CollectorRegistry())


class Client:
    """Asks an application in this process."""

    def __init__(self, app: ASGIApp) -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        )

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def json(self, path: str, **query: Any) -> Any:
        answer = await self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def found(self, path: str, **query: Any) -> list[str]:
        return [item["content_id"] for item in (await self.json(path, **query))["items"]]


async def save_views(views: Mapping[str, int], store: Store, days_ago: int = 0) -> None:
    """So many visitors viewed each item on one day."""
    counter = ViewCounter(now_ms=clock_ms(), window_ms=WINDOW_MS)
    for item, count in views.items():
        for _ in range(count):
            at_ms = clock_ms() - days_ago * DAY_MS
            counter.add([event("view_ended", item, ts_ms=at_ms)], views)
    await store.save(counter.counts())
