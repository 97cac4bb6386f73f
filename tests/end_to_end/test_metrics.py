"""The probes and numbers of the three processes, as a cluster and its Prometheus see them."""

import signal
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.identity.node import REFUSALS
from core.normalizing.reasons import REJECT_REASONS
from deploy.local import LocalStack
from deploy.valkey import free_port, valkey_binary
from tests.end_to_end.client import Pipeline, eventually, read, visitor
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.operating import Numbers, worker_url

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


def test_the_worker_answers_its_probes_on_the_port_that_its_log_names(
    shared_stack: LocalStack,
) -> None:
    url = worker_url(shared_stack)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}
    assert httpx.get(f"{url}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"{url}/metrics").status_code == 200
    assert httpx.get(f"{url}/elsewhere").status_code == 404


def test_the_worker_listens_where_it_is_told_and_says_what_it_waits_for(tmp_path: Path) -> None:
    port = free_port()
    environ = ENVIRON | {
        "REDIS_URL": "",
        "WORKER_PORT": str(port),
        "WORKER_STALLED_AFTER_S": "2",
        "WORKER_KEEP_EVERY_MS": "100",
    }
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        url = f"http://127.0.0.1:{port}"
        assert worker_url(stack) == url
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        assert stack.valkey is not None
        stack.valkey.kill()
        away = eventually(lambda: (a := httpx.get(f"{url}/readyz")).status_code == 503 and a)
        assert "away" in away.json()["reason"]
        assert httpx.get(f"{url}/healthz").status_code == 200
        time.sleep(2.5)  # longer than a loop may rest
        assert httpx.get(f"{url}/healthz").status_code == 200, "its loops go on trying"
        stack.valkey.start()
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        stack.processes["worker"].send_signal(signal.SIGTERM)
        assert stack.processes["worker"].wait(timeout=20) == 0


def test_what_was_sent_and_asked_is_in_the_numbers(shared_stack: LocalStack) -> None:
    pipeline, worker = Pipeline.of(shared_stack), worker_url(shared_stack)
    before = [Numbers(url) for url in (pipeline.ingest_url, worker, pipeline.serve_url)]
    user, stranger = visitor(), visitor()
    pipeline.accept(read(user, "lidice-children", 60), read(user, "brundibar-terezin", 60))
    assert pipeline.post(b"no json").status_code == 400
    pipeline.post([{"type": "page"}])
    pipeline.model_of(user, events=2)
    pipeline.recommend(user)
    pipeline.recommend(stranger)
    eventually(lambda: rejected(worker) > before[1]("rejected_events_total", reason="no_user"))
    webhook, worked, served = (
        Numbers(url) for url in (pipeline.ingest_url, worker, pipeline.serve_url)
    )

    def grown(now: Numbers, then: Numbers, name: str, **labels: str) -> float:
        return now(name, **labels) - then(name, **labels)

    assert grown(webhook, before[0], "ingest_accepted_events_total") == 3
    assert grown(webhook, before[0], "ingest_requests_total", outcome="accepted") == 2
    assert grown(webhook, before[0], "ingest_requests_total", outcome="not_json") == 1
    assert grown(webhook, before[0], "ingest_request_seconds_count") == 3
    assert grown(worked, before[1], "applied_events_total") == 2
    assert grown(worked, before[1], "rejected_events_total", reason="no_user") == 1
    assert grown(worked, before[1], "freshness_seconds_count") >= 1
    assert grown(worked, before[1], "refresh_wait_seconds_count") >= 1
    assert grown(worked, before[1], "refreshed_users_total", outcome="saved") >= 1
    assert grown(served, before[2], "answers_total", route="recommend", status="200") == 2
    assert grown(served, before[2], "answer_seconds_count", route="recommend") == 2
    assert grown(served, before[2], "recommendations_total", strategy="warm") == 1
    assert grown(served, before[2], "recommendations_total", strategy="cold_diverse") == 1
    assert grown(served, before[2], "served_event_age_seconds_count") == 1
    assert grown(served, before[2], "served_model_age_seconds_count") == 1
    # The newest event is a minute old.
    assert 50 < grown(served, before[2], "served_event_age_seconds_sum") < 120


def rejected(url: str) -> float:
    return Numbers(url)("rejected_events_total", reason="no_user")


def test_what_waits_is_in_the_numbers_of_webhook_and_worker(tmp_path: Path) -> None:
    environ = ENVIRON | {
        "REDIS_URL": "",
        "INGEST_SHARDS": "2",
        "INGEST_BACKLOG_EVERY_MS": "20",
        "WORKER_KEEP_EVERY_MS": "100",
    }
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        pipeline = Pipeline.of(stack)
        first = visitor()
        pipeline.accept(read(first, "lidice-children", 60))
        pipeline.model_of(first, events=1)
        shown = eventually(lambda: (n := Numbers(worker_url(stack)))("booked_users") == 1 and n)
        assert shown("stream_consumers", shard="0") == shown("stream_consumers", shard="1") == 1
        stack.processes["worker"].kill()
        stack.processes["worker"].wait()
        for _ in range(6):
            pipeline.accept(read(visitor(), "lidice-children", 60))

        def waits() -> Any:
            numbers = Numbers(pipeline.ingest_url)
            return (
                all(numbers("stream_lag_entries", shard=shard) == 3 for shard in "01") and numbers
            )

        numbers = eventually(waits)
        assert numbers("stream_waiting_bytes", shard="0") > 300
        assert 0 <= numbers("stream_oldest_entry_seconds", shard="0") < 60


def test_whatever_is_sent_and_asked_makes_no_new_series(shared_stack: LocalStack) -> None:
    pipeline, worker = Pipeline.of(shared_stack), worker_url(shared_stack)
    urls = (pipeline.ingest_url, worker, pipeline.serve_url)

    def odd(number: int) -> None:
        name = f"odd-{number}-{uuid4()}"
        answers = [
            pipeline.post(
                [
                    read(name, name, 60),
                    {"type": name, "userId": name, "messageId": name},
                    {"type": "track", "event": name},
                    number,
                    {"type": "track", "userId": name, "event": "CONTENT_VIEW_ENDED"},
                    {"type": "page", "userId": "x" * 5000},
                ]
            ),
            pipeline.post(b"{" + name.encode()),
            pipeline.post(b"[]", path=f"/{name}"),
            pipeline.post(b"[]", path=f"/v1/{name}"),
            httpx.request("DELETE", f"{pipeline.ingest_url}/api/ingest"),
            httpx.get(f"{pipeline.serve_url}/{name}"),
            httpx.get(f"{pipeline.serve_url}/api/recommend", params={name: name}),
            httpx.get(f"{pipeline.serve_url}/api/recommend", params={"user_id": name}),
            httpx.get(f"{pipeline.serve_url}/api/usermodel", params={"user_id": name}),
            httpx.get(f"{worker}/{name}"),
        ]
        assert all(answer.status_code < 500 for answer in answers)

    def rounds(numbers: range) -> list[Numbers]:
        for number in numbers:
            odd(number)
        last = visitor()
        pipeline.accept(read(last, "lidice-children", 60))
        pipeline.model_of(last, events=1)
        eventually(lambda: Numbers(worker)("handled_entries_total") > 0)
        return [Numbers(url) for url in urls]

    first = rounds(range(2))
    second = rounds(range(2, 12))
    for before, after in zip(first, second, strict=True):
        assert set(after.series) == set(before.series)
    ingest, work, serve = (numbers.labels() for numbers in second)
    assert ingest["outcome"] <= {"accepted", "not_json", "too_large", "try_later", "unasked"}
    assert ingest["key"] == serve["key"] == {""}
    assert work["reason"] == {*REJECT_REASONS, *REFUSALS}
    paths = httpx.get(f"{pipeline.serve_url}/openapi.json").json()["paths"].values()
    assert serve["route"] <= {one["operationId"] for path in paths for one in path.values()}
    assert serve["status"] <= {"200", "400", "404", "503"}
