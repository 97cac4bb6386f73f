"""Processes that are killed, stopped, misconfigured or without their Redis."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from deploy.local import LocalStack
from deploy.valkey import free_port, valkey_binary
from tests.end_to_end.client import Pipeline, eventually, read, visitor
from tests.end_to_end.conftest import ENVIRON

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")
HASTY = {
    "WORKER_STALE_MS": "300",
    "WORKER_KEEP_EVERY_MS": "100",
    "WORKER_LEASE_MS": "500",
    "REDIS_URL": "",
}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    """Three processes of this test alone, impatient with what a dead worker left."""
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=ENVIRON | HASTY
    ) as running:
        yield running


def pipeline_of(stack: LocalStack) -> Pipeline:
    return Pipeline(stack.ingest_url, stack.serve_url)


def test_a_worker_killed_at_any_moment_loses_nothing(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    for round_number in range(4):
        for number in range(25):
            pipeline.accept(read(user, f"story-{round_number}-{number}", 30))
            if number == 5 * round_number:
                stack.processes["worker"].kill()
                stack.processes["worker"].wait()
        stack.start_process("worker")
    assert pipeline.model_of(user, events=100)["window"]["events"] == 100


def test_entries_that_a_dead_worker_had_read_are_taken_over(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    stack.processes["worker"].terminate()
    assert stack.processes["worker"].wait(timeout=10) == 0
    pipeline.accept(read(user, "lidice-children", 30))
    client: Any = redis.Redis.from_url(stack.redis_url)
    [[_, entries]] = client.xreadgroup("ingest", "dead-worker", {"ingest:{0}": ">"}, count=10)
    assert len(entries) == 1
    stack.start_process("worker")
    pipeline.model_of(user, events=1)
    eventually(lambda: client.xpending("ingest:{0}", "ingest")["pending"] == 0)


def test_events_accepted_before_the_first_worker_started_count(tmp_path: Path) -> None:
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=ENVIRON | HASTY
    ) as stack:
        pipeline, user = pipeline_of(stack), visitor()
        stack.processes["worker"].kill()
        stack.processes["worker"].wait()
        redis.Redis.from_url(stack.redis_url).delete("ingest:{0}")
        pipeline.accept(read(user, "lidice-children", 30))
        stack.start_process("worker")
        pipeline.model_of(user, events=1)


def test_a_flushed_redis_gets_its_group_and_its_consumer_back(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    pipeline.accept(read(user, "lidice-children", 30))
    pipeline.model_of(user, events=1)
    redis.Redis.from_url(stack.redis_url).flushall()
    later = visitor()
    pipeline.accept(read(later, "lidice-children", 30))
    pipeline.model_of(later, events=1)
    assert "consumer.revived" in stack.log_of("worker")


def test_a_worker_that_starts_before_its_redis_waits_for_it(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    assert stack.valkey is not None
    stack.processes["worker"].kill()
    stack.processes["worker"].wait()
    stack.valkey.kill()
    stack.start_process("worker")
    eventually(lambda: "worker.waited" in stack.log_of("worker"))
    stack.valkey.start()
    pipeline.wait_until_ready()
    pipeline.accept(read(user, "lidice-children", 30))
    pipeline.model_of(user, events=1)


def test_without_redis_the_webhook_says_try_later_and_recovers(
    stack: LocalStack,
) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    assert stack.valkey is not None
    assert pipeline.recommend(user)["degraded"] == []
    stack.valkey.kill()
    refused = pipeline.post({"type": "page", "userId": user})
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert set(refused.json()) == {"code", "message"}
    assert httpx.get(f"{stack.ingest_url}/readyz").status_code == 503
    ready = httpx.get(f"{stack.serve_url}/readyz")
    assert (ready.status_code, ready.json()["degraded"]) == (200, ["models"])
    away = pipeline.recommend(user)
    assert (away["degraded"], away["strategy"]) == (["models"], "cold_diverse")
    stack.valkey.start()
    pipeline.wait_until_ready()
    pipeline.accept(read(user, "lidice-children", 30))
    pipeline.model_of(user, events=1)


@pytest.mark.parametrize("name", ["webhook", "worker", "serve"])
def test_sigterm_ends_a_process_in_order(stack: LocalStack, name: str) -> None:
    stack.processes[name].send_signal(signal.SIGTERM)
    assert stack.processes[name].wait(timeout=10) == 0
    log = stack.log_of(name)
    assert "process.stopped" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("arguments", [["ingest_worker", "worker"], ["serve_api"]])
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_sigterm_is_heard_from_the_very_start(arguments: list[str]) -> None:
    """As process 1 of a container, a process without a handler would never hear it."""
    with subprocess.Popen([sys.executable, "-m", *arguments], env=ENVIRON | HASTY) as process:
        status = Path(f"/proc/{process.pid}/status")

        def listens() -> bool:
            [caught] = [
                int(line.split()[1], 16)
                for line in status.read_text().splitlines()
                if line.startswith("SigCgt")
            ]
            return bool(caught >> (signal.SIGTERM - 1) & 1)

        eventually(listens)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_every_key_of_a_user_ends_by_itself(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), "u1"
    pipeline.accept(read(user, "lidice-children", 30))
    pipeline.model_of(user, events=1)
    client: Any = redis.Redis.from_url(stack.redis_url)
    keys = {key.decode(): client.ttl(key) for key in client.scan_iter("*{u1}*")}
    assert set(keys) == {"events:{u1}", "model:{u1}", "revision:{u1}"}
    assert all(ttl > 0 for ttl in keys.values())
    assert client.type("events:{u1}") == b"zset"
    assert client.type("model:{u1}") == b"string"


def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=ENVIRON | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("name", ["webhook", "worker"])
def test_an_ingest_process_without_redis_does_not_start(name: str) -> None:
    done = start("ingest_worker", name, REDIS_URL="")
    assert done.returncode == 2
    assert "REDIS_URL" in done.stderr


def test_bad_settings_end_the_start_with_all_their_names() -> None:
    done = start("serve_api", RANKING_WEIGHTS_GEO="much", SERVE_PORT="99999", RANKING_MMR_POL="5")
    assert done.returncode == 2
    for name in ("RANKING_WEIGHTS_GEO", "SERVE_PORT", "RANKING_MMR_POL"):
        assert name in done.stderr
    assert "did you mean RANKING_MMR_POOL?" in done.stderr


@pytest.mark.parametrize("url", ["localhost:6379", "redis://localhost:abc", "http://localhost"])
def test_a_redis_url_that_is_none_is_named_and_not_shown(url: str) -> None:
    done = start("ingest_worker", "worker", REDIS_URL=url)
    assert done.returncode == 2
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_of_qdrant_that_is_none_is_named() -> None:
    done = start("serve_api", QDRANT_API_URL="foo")
    assert done.returncode == 2
    assert "QDRANT_API_URL: it must start with one of http, https" in done.stderr


def test_a_model_that_cannot_be_read_is_a_stranger_until_the_next_event(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    client: Any = redis.Redis.from_url(stack.redis_url)
    client.set(f"model:{{{user}}}", b'{"revision":1}', ex=60)
    assert "cold" in pipeline.recommend(user)["strategy"]
    pipeline.accept(read(user, "lidice-children", 120))
    pipeline.model_of(user, events=1)


def test_a_redis_that_refuses_writes_for_now_stops_nobody(stack: LocalStack) -> None:
    pipeline, user = pipeline_of(stack), visitor()
    client: Any = redis.Redis.from_url(stack.redis_url)
    client.config_set("min-replicas-to-write", 1)
    assert pipeline.post({"type": "page", "userId": user}).status_code == 503
    eventually(lambda: "read.refused" in stack.log_of("worker"))
    eventually(lambda: "refresh.failed" in stack.log_of("worker"))
    assert stack.log_of("worker").count("read.refused") < 30, "it waits between its tries"
    client.config_set("min-replicas-to-write", 0)
    pipeline.accept(read(user, "lidice-children", 120))
    pipeline.model_of(user, events=1)
    assert stack.ended() is None


def test_a_visitor_known_from_another_catalogue_is_served_by_this_one(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(
        "\n".join(f'{{"id": {n}, "title": "Item {n}", "vector": [{n}, 1]}}' for n in range(9))
    )

    def stack_of(environ: dict[str, str]) -> LocalStack:
        return LocalStack(
            tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=environ
        )

    with stack_of(ENVIRON | HASTY) as stack:
        pipeline_of(stack).accept(read("ada", "lidice-children", 120))
        pipeline_of(stack).model_of("ada", events=1)
    with stack_of(ENVIRON | HASTY | {"CATALOGUE": str(other)}) as stack:
        answer = pipeline_of(stack).recommend("ada", limit=9)
        assert {item["content_id"] for item in answer["items"]} == {str(n) for n in range(9)}
        assert all("semantic" not in item["contributions"] for item in answer["items"])


def test_a_catalogue_that_is_not_there_is_named() -> None:
    done = start("serve_api", CATALOGUE="/nowhere/file.jsonl")
    assert done.returncode == 2
    assert "/nowhere/file.jsonl" in done.stderr


def test_a_flood_is_turned_away_until_the_worker_has_caught_up(tmp_path: Path) -> None:
    marks = {"INGEST_MAX_BACKLOG_ENTRIES": "20", "INGEST_BACKLOG_EVERY_MS": "20"}
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=ENVIRON | HASTY | marks
    ) as stack:
        pipeline, user = pipeline_of(stack), visitor()
        pipeline.accept(read(user, "first", 30))
        pipeline.model_of(user, events=1)
        stack.processes["worker"].kill()
        stack.processes["worker"].wait()
        accepted = 0
        for number in range(400):
            status = pipeline.post([read(user, f"story-{number}", 30)]).status_code
            assert status in (200, 503)
            accepted += status == 200
        assert 20 <= accepted < 400
        stack.start_process("worker")
        model = pipeline.model_of(user, events=accepted + 1)
        assert model["window"]["events"] == accepted + 1
        eventually(lambda: pipeline.post([read(user, "late", 30)]).status_code == 200)


def test_a_valkey_that_ended_by_itself_is_noticed(tmp_path: Path) -> None:
    environ = ENVIRON | {"REDIS_URL": ""}
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        assert stack.ended() is None
        assert stack.valkey is not None
        assert stack.valkey.process is not None
        stack.valkey.process.kill()
        eventually(lambda: stack.ended() == "valkey")
