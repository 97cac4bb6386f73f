"""The webhook's door: keys in every place, bodies within their limits, answers by cause."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from core.errors import RetryableError
from core.queues import ShardState
from ingest_worker.backpressure import Backpressure, HighWater
from ingest_worker.body import BadEncodingError, BodyTooLargeError, read_body
from ingest_worker.metrics import StreamGauges, WebhookMetrics
from ingest_worker.settings import IngestSettings
from ingest_worker.webhook import Webhook
from tests.build import NOW_MS
from tests.gates import doors_of


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_body_is_collected_and_unpacked_by_its_content() -> None:
    packed = gzip.compress(b'{"a":1}')
    assert await read_body(chunks(packed[:5], packed[5:]), 100) == b'{"a":1}'
    assert await read_body(chunks(b'{"a"', b":1}"), 100) == b'{"a":1}'


async def test_a_body_of_exactly_the_limit_passes() -> None:
    assert len(await read_body(chunks(b"x" * 100), 100)) == 100
    assert len(await read_body(chunks(gzip.compress(b"x" * 100)), 100)) == 100


async def test_a_body_over_the_limit_is_refused_before_and_after_unpacking() -> None:
    for body in (b"x" * 101, gzip.compress(b"x" * 101), gzip.compress(b"x" * 10_000_000)[:99]):
        with pytest.raises(BodyTooLargeError):
            await read_body(chunks(body), 100)


async def test_a_body_that_claims_to_be_too_large_is_not_received() -> None:
    received = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal received
        while True:
            received += 1
            yield b"x"

    assert await read_body(chunks(b"x" * 100), 100, claimed=100)
    with pytest.raises(BodyTooLargeError):
        await read_body(endless(), 100, claimed=101)
    assert received == 0
    answer = await send(
        Stream(), content=b" ", headers={"X-API-Key": "k", "Content-Length": "20001"}
    )
    assert answer.status_code == 413


async def test_a_gzip_of_a_few_members_is_read_and_one_of_thousands_refused() -> None:
    assert await read_body(chunks(gzip.compress(b"[1,") + gzip.compress(b"2]")), 100) == b"[1,2]"
    assert await read_body(chunks(gzip.compress(b" ") * 16), 1000) == b" " * 16
    with pytest.raises(BadEncodingError):
        await read_body(chunks(gzip.compress(b"") * 200_000), 10_000_000)


async def test_broken_gzip_is_told_apart() -> None:
    packed = gzip.compress(b'{"a":1}')
    for body in (
        packed[:-6],
        packed[:12] + b"junk" + packed[16:],
        b"\x1f\x8b" + zlib.compress(b"x"),
    ):
        with pytest.raises(BadEncodingError):
            await read_body(chunks(body), 1000)


def shard(*, lag: int, pending: int = 0, size: int = 0) -> ShardState:
    return ShardState(shard=0, lag=lag, pending=pending, bytes=size)


class Stream:
    """A stream that stores, is away, or hangs."""

    def __init__(self, *, away: bool = False, hangs: bool = False) -> None:
        self.away, self.hangs, self.is_silent = away, hangs, False
        self.waiting = shard(lag=0)
        self.stored: list[tuple[bytes, str | None]] = []

    async def enqueue(
        self, body: bytes, *, call_type: str | None, received_ms: int | None = None
    ) -> None:
        assert received_ms is None
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise RetryableError("away")
        self.stored.append((body, call_type))

    async def shards(self) -> list[ShardState]:
        if self.is_silent:
            await asyncio.Event().wait()
        if self.away:
            raise RetryableError("away")
        return [self.waiting]

    async def ping(self) -> None:
        if self.away:
            raise RetryableError("away")


async def send(
    stream: Stream,
    path: str = "/api/ingest",
    registry: CollectorRegistry | None = None,
    **request: object,
) -> httpx.Response:
    settings = IngestSettings(
        api_key="k,new",
        api_key_header="X-Mine",
        body_timeout_s=1,
        max_body_bytes=20_000,
        max_batch_events=3,
    )
    registry = registry or CollectorRegistry()
    gauges = StreamGauges(registry)
    marks = HighWater(max_entries=10, max_bytes=1000, every_ms=1)
    backpressure = Backpressure(stream, marks, gauges, lambda: NOW_MS)
    await backpressure.look()
    metrics = WebhookMetrics(registry, gauges)
    webhook = Webhook(stream, backpressure, settings, doors_of(settings), metrics)
    transport = httpx.ASGITransport(webhook.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        headers = request.pop("headers", {"X-API-Key": "k"})
        return await client.request("POST", path, headers=headers, **request)  # type: ignore[arg-type]


async def test_the_body_is_stored_as_it_came_with_what_the_path_says() -> None:
    stream = Stream()
    body = b'  {"type" : "track", "v": NaN}\n'
    assert (await send(stream, "/v1/track", content=body)).status_code == 200
    assert (await send(stream, "/v1/batch/", content=b"[]")).status_code == 200
    assert stream.stored == [(body, "track"), (b"[]", None)]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "new"},
        {"X-Mine": "k"},
        {"Authorization": "Bearer k"},
        {"Authorization": "Basic azo="},  # the key as user name, as the SDKs send it
    ],
)
async def test_each_key_is_let_in_from_each_place(headers: dict[str, str]) -> None:
    assert (await send(Stream(), content=b"{}", headers=headers)).status_code == 200


async def test_unknown_paths_and_methods_are_in_the_form_that_the_sdks_understand() -> None:
    for path, status in (("/v1/nothing", 404), ("/healthz", 405)):
        answer = await send(Stream(), path, content=b"{}")
        assert answer.status_code == status
        assert set(answer.json()) == {"code", "message"}
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_wrong_key_is_401_and_stores_nothing() -> None:
    stream = Stream()
    answer = await send(stream, content=b"{}", headers={"X-API-Key": "wrong"})
    assert (answer.status_code, stream.stored) == (401, [])
    assert set(answer.json()) == {"code", "message"}


DEEP = b"[" * 5000 + b"1,1,1" + b"]" * 5000


@pytest.mark.parametrize(
    ("body", "events"),
    [(b"[0,0,0,0]", 4), (b'{"batch":[0,0,0,0,NaN]}', 5), (b"[0,0,0," + DEEP + b",0]", 5)],
)
async def test_more_events_than_a_request_may_have_are_413_and_counted(
    body: bytes, events: int
) -> None:
    stream = Stream()
    answer = await send(stream, content=body)
    assert (answer.status_code, stream.stored) == (413, [])
    assert answer.json() == {
        "code": "too_many_events",
        "message": f"the body has {events} events; a request may have 3",
    }


@pytest.mark.parametrize("body", [b"[0,0,0]", b"[0,0," + DEEP + b"]"])
async def test_as_many_events_as_a_request_may_have_are_stored(body: bytes) -> None:
    stream = Stream()
    answer = await send(stream, content=body)
    assert (answer.status_code, stream.stored) == (200, [(body, None)])


@pytest.mark.parametrize("stream", [Stream(away=True), Stream(hangs=True)])
async def test_what_is_not_stored_is_503_so_that_it_is_sent_again(stream: Stream) -> None:
    answer = await send(stream, content=b"{}")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


async def test_while_the_stream_does_not_answer_nobody_waits_for_it() -> None:
    """Else every body of a flood would be in memory for as long as a request may take."""
    stream = Stream()
    stream.is_silent = True
    marks = HighWater(max_entries=10, max_bytes=1000, every_ms=1, hangs_after_ms=50)
    gauges = StreamGauges(CollectorRegistry())
    backpressure = Backpressure(stream, marks, gauges, lambda: NOW_MS)
    backpressure.admit()
    looking = asyncio.create_task(backpressure.look())
    await asyncio.sleep(0)
    backpressure.admit()
    await asyncio.sleep(0.1)
    with pytest.raises(RetryableError, match="does not answer"):
        backpressure.admit()
    looking.cancel()


async def test_a_stream_that_was_away_is_tried_again_once_it_is_seen() -> None:
    stream = Stream(away=True)
    registry = CollectorRegistry()
    marks = HighWater(max_entries=10, max_bytes=1000, every_ms=1)
    backpressure = Backpressure(stream, marks, StreamGauges(registry), lambda: NOW_MS)
    await backpressure.look()
    with pytest.raises(RetryableError, match="away"):
        backpressure.admit()
    stream.away = False
    await backpressure.look()
    backpressure.admit()


@pytest.mark.parametrize(
    ("waiting", "status"),
    [
        (shard(lag=4, pending=6, size=1000), 200),
        (shard(lag=11), 503),
        (shard(lag=1, size=1001), 503),
    ],
)
async def test_past_a_high_water_mark_senders_are_told_to_try_later(
    waiting: ShardState, status: int
) -> None:
    stream = Stream()
    stream.waiting = waiting
    assert (await send(stream, content=b"{}")).status_code == status
    assert len(stream.stored) == (status == 200)


@pytest.mark.parametrize(
    ("outcome", "request_", "away"),
    [
        ("accepted", {"content": b"[{}, {}]"}, False),
        ("unauthorized", {"content": b"[{}]", "headers": {"X-API-Key": "wrong"}}, False),
        ("not_json", {"content": b"<xml/>"}, False),
        ("not_json", {"content": b"\x1f\x8bnot gzip"}, False),
        ("too_large", {"content": b"x" * 20_001}, False),
        ("try_later", {"content": b"[{}]"}, True),
    ],
)
async def test_each_request_is_counted_under_its_outcome(
    outcome: str, request_: dict[str, Any], *, away: bool
) -> None:
    registry = CollectorRegistry()
    await send(Stream(away=away), registry=registry, **request_)
    counted = {
        sample.labels["outcome"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "ai_engine_ingest_requests_total"
    }
    assert counted == {outcome: 1}
    assert registry.get_sample_value("ai_engine_ingest_request_seconds_count") == 1
    events = registry.get_sample_value("ai_engine_ingest_accepted_events_total")
    assert events == (2 if outcome == "accepted" else 0)


async def test_who_is_told_that_the_stream_is_back_is_admitted() -> None:
    stream, gauges = Stream(away=True), StreamGauges(CollectorRegistry())
    marks = HighWater(max_entries=10, max_bytes=1000, every_ms=60_000)
    backpressure = Backpressure(stream, marks, gauges, lambda: NOW_MS)
    await backpressure.look()
    metrics = WebhookMetrics(CollectorRegistry(), gauges)
    settings = IngestSettings()
    app = Webhook(stream, backpressure, settings, doors_of(settings), metrics).app()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/readyz")).status_code == 503
        stream.away = False
        assert (await client.post("/api/ingest", content=b"{}")).status_code == 503
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post("/api/ingest", content=b"{}")).status_code == 200
