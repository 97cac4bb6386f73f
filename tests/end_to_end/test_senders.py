"""Requests as the Python SDK and RudderStack's two webhook destinations make them.

The bodies are made here, in the forms that were seen: what comes of each event
is looked up in Redis, the good ones in the buffer and the bad ones with their
reason among the dead letters.
"""

import gzip
import json
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
import redis

from deploy.local import LocalStack
from deploy.valkey import free_port, valkey_binary
from tests.end_to_end.client import Pipeline, eventually
from tests.end_to_end.conftest import ENVIRON

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


def sdk(kind: str, user_id: Any, **parts: Any) -> dict[str, Any]:
    """An event as rudder-sdk-python writes it: absent ids are null."""
    return {
        "integrations": {"All": True},
        "anonymousId": None,
        "context": {"library": {"name": "analytics-python", "version": "2.1.9"}},
        "userId": user_id,
        "type": kind,
        "messageId": str(uuid4()),
        "channel": "server",
        **parts,
    }


def from_the_sdk(now: int) -> list[bytes]:
    """What the SDK posts to /v1/batch, gzipped or not."""
    odd = sdk("track", "u-1", event="Odd", timestamp=now, properties={"a": None, "b": [None, 1]})
    duplicate = sdk("track", "u-1", event="Dup", timestamp=now) | {"messageId": "dup-1"}
    batches: list[list[dict[str, Any]]] = [
        [sdk("identify", "u-1", timestamp=now, context={"traits": {"age": 31, "loyal": None}})],
        [sdk("track", "u-1", event="Product Viewed", timestamp=now, properties={"x": {"y": 1}})],
        [sdk("page", "u-1", name="Home", category="Docs", timestamp=now, properties=None)],
        [sdk("screen", "u-1", name="Cart", timestamp=now), odd],
        [sdk("group", "u-1", groupId="g-1", traits={"name": "Acme"}, timestamp=now)],
        [sdk("alias", "u-1", previousId="anon-1", timestamp=now)],
        [sdk("track", None, anonymousId="anon-9", event="Anonymous", timestamp=now)],
        [sdk("track", 12345, event="Numeric", timestamp=now)],
        [sdk("track", "ユーザー-1", event="商品を見た 🛍️", timestamp=now)],
        [sdk("track", "u-1", event="Future", timestamp="2099-01-01T00:00:00+00:00")],
        [sdk("track", "u-1", event="Past", timestamp="1999-01-01T00:00:00+00:00")],
        [sdk("track", "u-1", event="Naive", timestamp="2025-01-02T03:04:05")],
        [duplicate],
        [duplicate, dict(duplicate)],
        [sdk("track", f"u-{n % 5}", event="Bulk", timestamp=now) for n in range(60)],
    ]
    bodies = [json.dumps({"batch": batch, "sentAt": now}).encode() for batch in batches]
    not_a_number = sdk("track", "u-1", event="NaN", timestamp=now, properties={"v": float("nan")})
    return [*bodies, json.dumps({"batch": [not_a_number], "sentAt": now}).encode()]


def from_the_destinations(now: int) -> list[bytes]:
    """What the WEBHOOK and HTTP destinations post to /api/ingest, an own mapping included."""
    spin = {"type": "track", "event": "spin_result", "anonymousId": "c82c", "message_id": "a80f"}
    bodies: list[Any] = [
        spin | {"timestamp": now, "properties": {"bet_amount": 9}, "user_properties": {"level": 6}},
        spin | {"timestamp": now, "properties": {"bet_amount": 9}},
        {"type": "track", "event": "Submit", "userId": "dest", "properties": {"name": "Shirt"}},
        {"type": "identify", "userId": "dest", "anonymousId": "anon", "event": "identify"},
        [{"type": "page", "userId": "dest", "receivedAt": now, "request_ip": "203.0.113.5"}, 7],
        {"event": "Product Viewed", "userId": "dest", "properties": {"items": []}},
        {"contacts": {"first_name": "John", "address": {"pin_code": "123456"}}},
        {"type": "track", "event": "Nobody"},
        {"type": "identify", "userId": {"nested": "id"}},
        {"type": "track", "userId": "dest", "properties": {}},
        {"type": "track", "userId": "dest", "event": "CONTENT_VIEW_ENDED", "properties": {}},
        {"type": "teleport", "userId": "dest"},
        {"type": "track", "userId": "u" * 600, "event": "Long"},
        None,
    ]
    return [json.dumps(body).encode() for body in bodies]


def test_every_usable_event_is_in_the_buffer_once_and_every_other_has_its_reason(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("senders")
    environ = ENVIRON | {"REDIS_URL": ""}
    with LocalStack(
        folder, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        pipeline = Pipeline(stack.ingest_url, stack.serve_url)
        client: Any = redis.Redis.from_url(stack.redis_url)
        now = client.time()[0] - 60
        sdk_bodies, destination_bodies = from_the_sdk(now), from_the_destinations(now)
        for turn in (gzip.compress, bytes):  # the whole once more: duplicates are normal
            for body in sdk_bodies:
                assert pipeline.post(turn(body), path="/v1/batch").status_code == 200
            for body in destination_bodies:
                assert pipeline.post(body).status_code == 200
        expected = {
            "u-1": 7 + 1 + 1 + 1 + 12,  # seven single ones, the future, Dup, NaN, twelve of Bulk
            "u-0": 12,
            "u-2": 12,
            "u-3": 12,
            "u-4": 12,
            "anon-9": 1,
            "12345": 1,
            "ユーザー-1": 1,
            "c82c": 1,
            "dest": 4,
        }
        eventually(lambda: client.zcard("events:{dest}") == expected["dest"])
        eventually(lambda: client.xlen("dead-letters") == 2 * 9)
        found = {
            key.decode()[len("events:{") : -1]: client.zcard(key)
            for key in client.scan_iter("events:*")
        }
        assert found == expected
        reasons = Counter(fields[b"reason"].decode() for _, fields in client.xrange("dead-letters"))
        assert reasons == {
            "not_an_object": 4,
            "no_type": 2,
            "no_user": 4,
            "no_name": 2,
            "no_content": 2,
            "unknown_type": 2,
            "user_id_too_long": 2,
        }
