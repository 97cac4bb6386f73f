"""Running pipelines: one process in memory, and the three processes over a real server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local import LocalStack
from deploy.valkey import free_port, valkey_binary
from tests.end_to_end.client import Pipeline
from tests.valkey_cluster import ValkeyCluster

ENVIRON = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("INGEST_", "SERVE_", "WORKER_"))
    and name not in ("CATALOGUE", "EVENT_PLAN", "QDRANT_API_URL")
} | {
    "LOG_FORMAT": "json",
    "POPULARITY_EVERY_S": "1",
    "SERVE_MODELS_TIMEOUT_MS": "1000",  # of a busy machine nobody expects personal answers sooner
}


@pytest.fixture(scope="session", params=["one_process", "three_processes", "cluster"])
def pipeline(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """Every test over it runs three times: in memory, over a server, over a cluster."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "one_process":
        yield from _one_process(folder)
    elif request.param == "cluster":
        yield from _over_a_cluster(folder)
    else:
        yield from _three_processes(folder)


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The three processes, for tests that look behind the ports and leave all of it running."""
    if valkey_binary() is None:
        pytest.skip("no Valkey for this machine")
    folder = tmp_path_factory.mktemp("shared")
    environ = ENVIRON | {"REDIS_URL": "", "WORKER_KEEP_EVERY_MS": "200"} | _log(folder)
    with LocalStack(
        folder, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        yield stack
        _require_that_keys_of_users_end(stack)


def _log(folder: Path) -> dict[str, str]:
    """Answers and events are recorded, and soon to be read."""
    return {"LOG_URL": str(folder / "recorded"), "LOG_ROTATE_S": "0.5"}


def _three_processes(folder: Path) -> Iterator[Pipeline]:
    """Over the Redis in REDIS_URL if it is set, else over an embedded Valkey."""
    if not ENVIRON.get("REDIS_URL") and valkey_binary() is None:
        pytest.skip("no Valkey for this machine and no REDIS_URL")
    with LocalStack(
        folder, ingest_port=free_port(), serve_port=free_port(), environ=ENVIRON | _log(folder)
    ) as stack:
        yield Pipeline(stack.ingest_url, stack.serve_url)
        _require_that_keys_of_users_end(stack)


def _require_that_keys_of_users_end(stack: LocalStack) -> None:
    """After all tests over a stack: no key that carries a user's id may stay for ever."""
    with redis.Redis.from_url(stack.redis_url) as client:
        keys = [
            key
            for role in ("events", "revision", "model")
            for key in client.scan_iter(match=f"{role}:{{*", count=1000)
        ]
        assert [key for key in keys if client.ttl(key) == -1] == []


def _over_a_cluster(folder: Path) -> Iterator[Pipeline]:
    """Two stream shards, on different nodes."""
    if valkey_binary() is None:
        pytest.skip("no Valkey for this machine")
    cluster = ValkeyCluster(folder / "nodes")
    environ = ENVIRON | {"REDIS_URL": cluster.url, "REDIS_CLUSTER": "1", "INGEST_SHARDS": "2"}
    environ |= _log(folder)
    try:
        cluster.start()
        with LocalStack(
            folder, ingest_port=free_port(), serve_port=free_port(), environ=environ
        ) as stack:
            yield Pipeline(stack.ingest_url, stack.serve_url)
    finally:
        cluster.kill()


def _one_process(folder: Path) -> Iterator[Pipeline]:
    ingest_port, serve_port = free_port(), free_port()
    environ = ENVIRON | {"INGEST_PORT": str(ingest_port), "SERVE_PORT": str(serve_port)}
    environ |= _log(folder)
    environ.pop("REDIS_URL", None)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "run", "--memory"],
            env=environ,
            stdout=log,
            stderr=log,
        )
    pipeline = Pipeline(f"http://127.0.0.1:{ingest_port}", f"http://127.0.0.1:{serve_port}")
    try:
        pipeline.wait_until_ready()
        yield pipeline
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0, (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()
        time.sleep(0)
