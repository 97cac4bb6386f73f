"""Three persons with six ids: what they do and what is said of them, and a world that is told."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from core.config import ModelConfig
from core.erasing.sweep import Sweep
from core.identity.graph import IdentityGraph
from core.identity.node import IdentityConfig
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.modelling.build import ModelBasis
from core.ports import EventBuffer, UserModelStore
from core.queues import DueQueue
from core.updater import UserModelUpdater
from ingest_worker.batches import BatchHandler, normalizer
from ingest_worker.linking import Linker
from ingest_worker.refresher import Refresher
from ingest_worker.screening import Screen
from tests.build import (
    DAY_MS,
    MAPPER,
    MINUTE_MS,
    NOW_MS,
    PLAN,
    WINDOW_MS,
    raw_batch,
    themed_catalogue,
    worker_metrics,
)
from tests.places import eraser_of, places
from tests.unit.ingest_loop import dead_letters, nothing

PERSONS = ("ada", "bob", "cyd")
DEVICES = ("kiosk", "phone", "tablet")
IDS = (*PERSONS, *DEVICES)
IDENTITY = IdentityConfig(max_persons=2)
CONTENTS = themed_catalogue(per_theme=1)
BASIS = ModelBasis.of(PLAN, ModelConfig())
ITEMS = sorted(one.id for one in CONTENTS.contents)

Said = dict[str, Any]
"""An event as RudderStack sends it."""


def happenings(calls: Sequence[str] = ("identify", "alias", "merge")) -> st.SearchStrategy[Said]:
    """Something that was read, or said of two ids; without its time and message id."""
    person, device = st.sampled_from(PERSONS), st.sampled_from(DEVICES)
    anyone = st.sampled_from(IDS)
    by_device = st.fixed_dictionaries({"anonymousId": device})
    by_person = st.fixed_dictionaries({"userId": person, "anonymousId": device})
    kinds = {
        "identify": st.fixed_dictionaries(
            {"type": st.just("identify"), "userId": person, "anonymousId": anyone}
        ),
        "alias": st.fixed_dictionaries(
            {"type": st.just("alias"), "userId": anyone, "previousId": anyone}
        ),
        "merge": st.builds(_merge, anyone, anyone),
    }
    read = st.builds(_read, st.one_of(by_device, by_person), st.sampled_from(ITEMS))
    return st.one_of(read, read, *(kinds[call] for call in calls))


def timed(said: Sequence[Said], minutes: Sequence[int]) -> list[Said]:
    """The same with a message id and a time each; several may share a minute."""
    return [
        {**one, "messageId": f"m{number}", "timestamp": _time(ago)}
        for number, (one, ago) in enumerate(zip(said, minutes, strict=True))
    ]


def _read(who: Mapping[str, str], item: str) -> Said:
    properties = {"content_id": item, "details": {"reason": "next_button", "dwell_seconds": 30}}
    return {"type": "track", "event": "CONTENT_VIEW_ENDED", **who, "properties": properties}


def _merge(one: str, other: str) -> Said:
    named = [
        {"type": "user_id" if each in PERSONS else "anonymous_id", "value": each}
        for each in (one, other)
    ]
    return {"type": "merge", "mergeProperties": named}


def _time(minutes_ago: int) -> int:
    return NOW_MS - minutes_ago * MINUTE_MS


class Stores(msgspec.Struct):
    """What the workers of a world share."""

    graph: IdentityGraph
    buffer: EventBuffer
    models: UserModelStore
    queue: DueQueue


class World:
    """Workers over common stores, and a clock that the test moves."""

    def __init__(self, make: Callable[[], Stores]) -> None:
        """Nothing has happened."""
        self.stores = make()
        self.now_ms = NOW_MS
        self.people = People(self.stores.graph, IDENTITY)
        self.events = PersonEvents(self.stores.buffer, self.people, IDENTITY, max_events=100)
        self.updater = UserModelUpdater(self.events, self.stores.models, CONTENTS, BASIS)
        self.refresher = Refresher(
            queue=self.stores.queue,
            updater=self.updater,
            sweep=Sweep(places()),
            clock_ms=lambda: self.now_ms,
            users_a_round=20,
            poll_ms=1,
            again_after_ms=100 * DAY_MS,
            metrics=worker_metrics(),
            beat=nothing,
        )

    def handler(self) -> BatchHandler:
        """A worker's."""
        metrics = worker_metrics()
        return BatchHandler(
            normalize=normalizer(MAPPER, window_ms=WINDOW_MS),
            screen=Screen(places(), eraser_of(places()), metrics),
            linker=Linker(self.stores.graph, IDENTITY, metrics),
            buffer=self.stores.buffer,
            queue=self.stores.queue,
            dead_letters=dead_letters(),
            clock_ms=lambda: self.now_ms,
            marked=nothing,
            metrics=metrics,
        )

    async def tell(self, *said: Said) -> None:
        """A batch arrives at a worker."""
        await self.handler().handle([raw_batch("1-0", json.dumps(said).encode())])

    async def settle(self) -> None:
        """Whoever is due is refreshed, until nobody is."""
        self.now_ms += 10_000
        while await self.refresher.refresh_round():
            pass

    async def persons(self) -> dict[str, str]:
        """The person behind each id."""
        return {one: found.user_id for one, found in (await self.people.find(IDS)).items()}
