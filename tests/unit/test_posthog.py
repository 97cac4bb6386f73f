"""PostHog is told what was shown and opened: in batches, again after an outage, in no time."""

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from adapters.memory.user_models import InMemoryUserModelStore
from adapters.posthog.exporter import PostHogExporter
from adapters.posthog.messages import Message, exposures, outcomes
from adapters.settings import SharedSettings
from adapters.telling import answers_told
from core.answer_log.served import Served
from core.config import RankingConfig
from core.errors import ConfigError
from core.events import InteractionEvent
from core.policies.experiment_file import read_experiments
from core.policies.policies import Policies
from core.policies.policy import Policy
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from tests.build import NOW_MS, event, themed_catalogue

STORE = themed_catalogue()


class PostHog(BaseHTTPRequestHandler):
    """Speaks the capture API's `/batch/`; may be told to fail."""

    batches: ClassVar[list[dict[str, Any]]]
    statuses: ClassVar[list[int]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.batches.append(json.loads(body) | {"path": self.path})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[PostHog]]]:
    handler = type("Fresh", (PostHog,), {"batches": [], "statuses": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", handler
        listening.shutdown()


def exporter(
    host: str, registry: CollectorRegistry, queue: int = 1000
) -> PostHogExporter[Sequence[InteractionEvent]]:
    made: PostHogExporter[Sequence[InteractionEvent]] = PostHogExporter(
        outcomes, host=host, key="phc_test", queue=queue, registry=registry, flush_s=0.1
    )
    made.start()
    return made


def number(registry: CollectorRegistry, name: str) -> float:
    return registry.get_sample_value(f"ai_engine_posthog_{name}_total") or 0.0


def sent(handler: type[PostHog]) -> list[dict[str, Any]]:
    return [one for batch in handler.batches for one in batch["batch"]]


def eventually(look: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def opened(item: str, **more: Any) -> InteractionEvent:
    return event("view_started", item, request_id="r1", message_id=str(uuid4()), **more)


def test_outcomes_arrive_in_batches_under_the_keys_of_the_project(
    server: tuple[str, type[PostHog]],
) -> None:
    host, handler = server
    registry = CollectorRegistry()
    posthog = exporter(host, registry)
    clicks = [opened(f"i{one}") for one in range(30)]
    posthog.put(clicks)
    posthog.put([event("view_ended", "i1", request_id="r1", dwell_seconds=31.0, reason="link")])
    posthog.put([event("view_started", "i2")])  # of no answer
    posthog.close()
    assert {batch["api_key"] for batch in handler.batches} == {"phc_test"}
    assert {batch["path"] for batch in handler.batches} == {"/batch/"}
    assert len(handler.batches) < 10
    events = sent(handler)
    assert len(events) == 31
    click = events[0]
    assert click["event"] == "recommendation_clicked"
    assert click["distinct_id"] == "u1"
    assert click["properties"]["request_id"] == "r1"
    assert click["properties"]["content_id"] == "i0"
    assert click["properties"]["$process_person_profile"] is False
    read = events[-1]
    assert (read["event"], read["properties"]["dwell_seconds"]) == ("recommendation_read", 31.0)
    assert number(registry, "events") == 31


def test_a_message_that_is_sent_again_has_the_same_id() -> None:
    one = opened("a")
    first, again = next(iter(outcomes([one]))), next(iter(outcomes([one])))
    assert first.uuid == again.uuid
    assert first.uuid != next(iter(outcomes([opened("a")]))).uuid


def test_after_an_outage_events_arrive_and_once(server: tuple[str, type[PostHog]]) -> None:
    host, handler = server
    handler.statuses[:] = [503, 503]
    registry = CollectorRegistry()
    posthog = exporter(host, registry)
    posthog.put([opened("a")])
    eventually(lambda: len(sent(handler)) == 1)
    posthog.close()
    assert len(sent(handler)) == 1
    assert number(registry, "failed_events") == 0


def test_what_posthog_refuses_is_counted_and_the_next_is_sent(
    server: tuple[str, type[PostHog]],
) -> None:
    host, handler = server
    handler.statuses[:] = [400]
    registry = CollectorRegistry()
    posthog = exporter(host, registry)
    posthog.put([opened("a"), opened("b")])
    eventually(lambda: number(registry, "failed_events") == 2)
    posthog.put([opened("c")])
    eventually(lambda: len(sent(handler)) == 1)
    posthog.close()


def test_with_posthog_away_nobody_waits_and_what_does_not_fit_is_counted() -> None:
    registry = CollectorRegistry()
    posthog = exporter("http://127.0.0.1:9", registry, queue=50)
    from_s = time.monotonic()
    for _ in range(50_000):
        posthog.put(())
    assert time.monotonic() - from_s < 5
    assert number(registry, "dropped_events") > 0


def test_a_key_that_is_missing_is_said_at_the_start() -> None:
    settings = SharedSettings(posthog_host="http://127.0.0.1:9")

    async def opening() -> None:
        async with answers_told(settings, CollectorRegistry()):
            raise AssertionError("it was opened")

    with pytest.raises(ConfigError, match="POSTHOG_API_KEY"):
        asyncio.run(opening())


async def shown_to(user_id: str, experiments: str = "") -> list[Message]:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    static = Policy(config=RankingConfig(), config_version="v")
    written = read_experiments(experiments.encode()) if experiments else {}
    recommender = Recommender(
        models, STORE, RankingConfig(), "v", policies=Policies(static, written)
    )
    found: list[Message] = []

    def record(served: Served) -> None:
        found.extend(exposures("recommend", served, served_at_ms=NOW_MS))

    request = RecommendRequest(user_id=user_id, limit=3)
    await recommender.recommend(request, now_ms=NOW_MS, record=record)
    return found


async def test_a_list_that_is_shown_is_one_event_with_its_items() -> None:
    [shown] = await shown_to("ada")
    assert shown.event == "recommendation_shown"
    assert shown.distinct_id == "ada"
    assert len(shown.properties["items"]) == 3
    assert await shown_to("") == []


async def test_a_variant_is_exposed_as_the_call_of_a_feature_flag() -> None:
    experiments = """
[experiments.tags]
salt = "1"
[experiments.tags.variants.plain]
share = 0.5
[experiments.tags.variants.more]
share = 0.5
settings = { RANKING_WEIGHTS_TAG = 0.5 }
"""
    shown, flag = await shown_to("ada", experiments)
    variant = flag.properties["$feature_flag_response"]
    assert flag.event == "$feature_flag_called"
    assert flag.properties["$feature_flag"] == "tags"
    assert variant in ("plain", "more")
    assert shown.properties["$feature/tags"] == variant
