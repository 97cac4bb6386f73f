"""What holds for every request that the webhook gets, whatever is in it."""

import json
from collections import Counter

import msgspec
from prometheus_client import CollectorRegistry
from starlette.types import Message, Scope

from adapters.memory.stream import InMemoryRawBatchStream
from core.events import decode_member, encode_member
from core.normalizing.normalize import normalize_events
from core.normalizing.reasons import REJECT_REASONS, NormalizedBatch, Rejection
from core.queues import RawBatch
from ingest_worker.backpressure import Backpressure
from ingest_worker.doors import WebhookDoors
from ingest_worker.metrics import StreamGauges, WebhookMetrics
from ingest_worker.settings import IngestSettings
from ingest_worker.webhook import Webhook
from tests.build import MAPPER, NOW_MS, WINDOW_MS
from tests.gates import webhook_gate_of
from tests.laws.fuzz_requests import LIMIT_BYTES, Sent

_REFUSAL = {"code", "message"}
_DOCUMENTED = {200: {"accepted"}, 400: _REFUSAL, 401: _REFUSAL, 413: _REFUSAL}
_BOM = b"\xef\xbb\xbf"
_DECODED_DEPTH = 800


class Answer(msgspec.Struct):
    """What the webhook said."""

    status: int = 0
    content_type: str = ""
    body: bytes = b""


class Judge:
    """The webhook in this process, over a stream in memory, and the laws."""

    def __init__(self) -> None:
        """Count what was seen."""
        settings = IngestSettings(api_key="key", max_body_bytes=LIMIT_BYTES)
        self._stream = InMemoryRawBatchStream(max_entries=10, clock_ms=lambda: NOW_MS)
        registry = CollectorRegistry()
        gauges = StreamGauges(registry)
        backpressure = Backpressure(self._stream, settings.high_water, gauges, lambda: NOW_MS)
        metrics = WebhookMetrics(registry, gauges)
        # Guesses are answered alike here, however many there are.
        doors = WebhookDoors(webhook_gate_of(settings, failures=1_000_000))
        self._app = Webhook(self._stream, backpressure, settings, doors, metrics).app()
        self.inputs = 0
        self.seen: Counter[str] = Counter()

    async def judge(self, sent: Sent) -> None:
        """Send a request and check everything. Raises: AssertionError, or what was raised."""
        self.inputs += 1
        answer = await self._post(sent)
        accepted = _documented(answer)
        self.seen[str(answer.status)] += 1
        if sent.elements is not None:
            assert answer.status == 200, f"a body of whole elements is refused: {answer.body!r}"
        if answer.status != 200:
            [shard] = await self._stream.shards()
            assert shard.lag == 0, "refused, and stored"
            return
        [stored] = await self._stream.read(limit=10)
        found = _normalized(stored.body, stored.call_type)
        assert _normalized(stored.body, stored.call_type) == found, "the result is not a function"
        self._count(found)
        _fit_for_the_stores(found)
        if accepted > 1:  # 1 may be a body that is too deep for the webhook to look at
            assert found.events or found.rejections or found.expired
        if sent.elements is not None:
            assert accepted in (len(sent.elements), 1)
            self._compare(sent, stored, found)

    async def _post(self, sent: Sent) -> Answer:
        answer = Answer()
        chunks = list(sent.chunks)

        async def receive() -> Message:
            if not chunks:
                return {"type": "http.disconnect"}
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": sent.gone or bool(chunks)}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.content_type = dict(message["headers"])[b"content-type"].decode()
            else:
                answer.body += message["body"]

        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": sent.path,
            "headers": [sent.header],
            "query_string": b"",
        }
        await self._app(scope, receive, send)
        return answer

    def _count(self, found: NormalizedBatch) -> None:
        self.seen["events"] += len(found.events)
        self.seen["expired"] += found.expired
        self.seen.update(one.reason for one in found.rejections)

    def _compare(self, sent: Sent, stored: RawBatch, found: NormalizedBatch) -> None:
        """Each element is judged as it is alone, and every marker is an event."""
        text = sent.opening + b",".join(sent.elements or ()) + sent.closing
        assert stored.body.removeprefix(_BOM) == text
        alone = [
            _normalized(sent.opening + element + sent.closing, stored.call_type)
            for element in sent.elements or ()
        ]
        for one in alone:
            outcomes = len(one.rejections) + one.expired + bool(one.events)
            assert outcomes == 1, f"{outcomes} outcomes of one element"
        whole = {event.message_id for event in found.events}
        assert whole >= set(sent.markers), "a good event is lost"
        self.seen["markers"] += len(sent.markers)
        assert found.expired == sum(one.expired for one in alone)
        assert found.events == tuple(event for one in alone for event in one.events)
        rejected = [_kept(rejection) for one in alone for rejection in one.rejections]
        assert [_kept(rejection) for rejection in found.rejections] == rejected


def _documented(answer: Answer) -> int:
    """The answer has a status and the fields that README names; how many events it says."""
    assert answer.status in _DOCUMENTED, f"status {answer.status}"
    assert answer.content_type == "application/json"
    said = json.loads(answer.body)
    assert set(said) == _DOCUMENTED[answer.status]
    accepted = said.get("accepted", 0)
    assert isinstance(accepted, int)
    assert accepted >= 0
    return accepted


def _kept(rejection: Rejection) -> Rejection:
    """Whether an event too deep tells its id depends on whether another kept it from decoding."""
    if rejection.reason != "too_deep":
        return rejection
    return msgspec.structs.replace(rejection, message_id=None)


def _normalized(body: bytes, call_type: str | None) -> NormalizedBatch:
    return normalize_events(
        body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS, call_type=call_type
    )


def _fit_for_the_stores(found: NormalizedBatch) -> None:
    for event in found.events:
        assert event.user_id.encode()
        assert NOW_MS - WINDOW_MS <= event.ts_ms <= NOW_MS
        member = encode_member(event)
        assert decode_member(member, user_id=event.user_id, ts_ms=event.ts_ms) == event
    for rejection in found.rejections:
        assert rejection.reason in REJECT_REASONS
        assert rejection.body, "a rejected event without its bytes"
        _is_the_same_again(rejection)


def _is_the_same_again(rejection: Rejection) -> None:
    """A letter that is sent again is rejected as the event was, and is the same letter."""
    body = rejection.body
    # Null is what a number is written as that JSON has no room for, and may mean another thing.
    is_event = body.startswith(b"{") and b'"batch"' not in body and b"null" not in body
    # At the edge of the decoders' depth it counts how deep their caller lies.
    is_shallow = body.count(b"[") + body.count(b"{") < _DECODED_DEPTH
    if is_shallow and (is_event or rejection.reason == "malformed"):
        again = _normalized(body, rejection.call_type)
        assert [_kept(one) for one in again.rejections] == [_kept(rejection)]
