"""`ai-engine status`, `verify`, `rebuild` and `dead-letter` beside the running processes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from time import time
from typing import Any

import httpx
import pytest
import redis

from core.events import encode_member
from deploy.local import LocalStack
from deploy.valkey import valkey_binary
from tests.build import DAY_MS, event
from tests.end_to_end.client import Pipeline, eventually, read, track, visitor
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.operating import outcome

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


@pytest.fixture
def url(shared_stack: LocalStack) -> str:
    return shared_stack.redis_url


@pytest.fixture
def pipeline(shared_stack: LocalStack) -> Pipeline:
    return Pipeline.of(shared_stack)


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.fixture
def user(pipeline: Pipeline) -> str:
    """A visitor with a model of two events."""
    found = visitor()
    pipeline.accept(read(found, "lidice-children", 60), read(found, "brundibar-terezin", 60))
    pipeline.model_of(found, events=2)
    return found


def model_key(user: str) -> str:
    return f"model:{{{user}}}"


def leave_behind(client: Any, user: str) -> None:
    """A buffer whose one event has left the window, as a late one does before its key ends."""
    member = encode_member(event("page"))
    client.zadd(f"events:{{{user}}}", {member: time() * 1000 - 31 * DAY_MS}, nx=True)
    client.expire(f"events:{{{user}}}", 60)


@contextmanager
def without_a_worker(stack: LocalStack) -> Iterator[None]:
    stack.processes["worker"].terminate()
    stack.processes["worker"].wait(timeout=20)
    try:
        yield
    finally:
        stack.start_process("worker")


class TestStatus:
    def test_it_shows_what_waits(self, shared_stack: LocalStack, url: str, user: str) -> None:
        assert user
        eventually(lambda: outcome(ai_engine("status", "--json", REDIS_URL=url))["users"]["booked"])
        with without_a_worker(shared_stack):
            Pipeline.of(shared_stack).accept(read(visitor(), "lidice-children", 60))
            found = outcome(ai_engine("status", "--json", REDIS_URL=url))
            told = ai_engine("status", REDIS_URL=url)
        [shard] = found["shards"]
        assert (shard["shard"], shard["lag"], shard["pending"]) == (0, 1, 0)
        assert 0 <= shard["oldest_age_ms"] < 60_000
        assert shard["oldest_ms"] > time() * 1000 - 60_000
        assert found["users"]["booked"] > 0
        assert found["dead_letters"] >= 0
        assert told.returncode == 0
        assert "s ago" in told.stdout
        assert "0 wait for a refresh" in told.stdout
        assert "dead letters: " in told.stdout

    def test_a_redis_that_is_away_is_named(self) -> None:
        done = ai_engine("status", REDIS_URL="redis://127.0.0.1:1/0")
        assert done.returncode == 1
        assert "Redis is away" in done.stderr


class TestDeadLetters:
    def test_the_list_shows_times_and_deliveries(self, url: str, pipeline: Pipeline) -> None:
        message = visitor()
        before_ms = time() * 1000
        pipeline.post([{"type": "track", "messageId": message}])

        def listed() -> list[Any]:
            lines = ai_engine("dead-letter", "list", "--json", REDIS_URL=url).stdout.splitlines()
            found = [json.loads(line) for line in lines]
            return [one for one in found if one["message_id"] == message]

        [letter] = eventually(listed)
        assert letter["deliveries"] == 1
        assert letter["bytes"] > 20
        shown = ai_engine("dead-letter", "list", REDIS_URL=url).stdout
        [line] = [line for line in shown.splitlines() if message in line]
        for name in ("reason", "entry_id", "received", "given_up"):
            assert letter[name] in line
        assert letter["received"].endswith("+00:00")
        entry_ms = int(letter["entry_id"].partition("-")[0])
        assert before_ms - 1000 < entry_ms < time() * 1000
        assert letter["received"] <= letter["given_up"]


class TestVerify:
    def test_models_that_follow_from_their_events_are_all_the_same(
        self, url: str, user: str
    ) -> None:
        done = ai_engine("verify", "--user", user, "--json", REDIS_URL=url)
        assert outcome(done) == {"checked": 1, "findings": {"same": 1}, "differences": []}
        assert done.returncode == 0
        everybody = ai_engine("verify", "--all", REDIS_URL=url)
        assert everybody.returncode == 0, everybody.stdout
        sample = ai_engine("verify", "--sample", 1, "--seed", 7, "--json", REDIS_URL=url)
        assert outcome(sample)["checked"] == 1

    def test_a_model_that_was_tampered_with_is_named_with_what_differs(
        self, url: str, user: str, client: Any
    ) -> None:
        model = json.loads(client.get(model_key(user)))
        model["tag_affinity"] = {"theme_what:Tampered": 1.0}
        client.set(model_key(user), json.dumps(model, separators=(",", ":")), keepttl=True)
        done = ai_engine("verify", "--user", user, REDIS_URL=url)
        client.delete(model_key(user), f"events:{{{user}}}")
        assert done.returncode == 1
        assert f"different: {user} tag_affinity\n" in done.stdout

    def test_a_model_that_is_not_there_is_missing(self, url: str, user: str, client: Any) -> None:
        client.delete(model_key(user))
        done = ai_engine("verify", "--user", user, "--settle", 0, "--json", REDIS_URL=url)
        client.delete(f"events:{{{user}}}")
        assert done.returncode == 1
        assert outcome(done)["findings"] == {"missing": 1}

    def test_events_that_have_left_the_window_need_no_model(self, url: str, client: Any) -> None:
        gone = visitor()
        leave_behind(client, gone)
        done = ai_engine("verify", "--user", gone, "--settle", 0, "--json", REDIS_URL=url)
        client.delete(f"events:{{{gone}}}")
        assert outcome(done)["findings"] == {"no_events": 1}
        assert done.returncode == 0

    def test_other_settings_are_told_apart_from_other_models(self, url: str, user: str) -> None:
        done = ai_engine(
            "verify", "--user", user, "--json", REDIS_URL=url, SIGNALS_SOFT_NEGATIVE="0.5"
        )
        assert done.returncode == 1
        assert outcome(done)["findings"] == {"other_configuration": 1}


class TestRebuild:
    def test_every_model_is_built_anew_and_a_lost_one_is_back(
        self, url: str, pipeline: Pipeline, client: Any
    ) -> None:
        users = [visitor() for _ in range(5)]
        for one in users:
            pipeline.accept(track(one, "CONTENT_LOOKUP"))
        before = [pipeline.model_of(one, events=1) for one in users]
        client.delete(model_key(users[0]))
        done = ai_engine("rebuild", "--json", REDIS_URL=url)
        assert done.returncode == 0, done.stderr
        found = outcome(done)
        assert found["marked"] == found["users"] >= 5
        assert found["fresh"] == 0
        for one, old in zip(users, before, strict=True):
            model = pipeline.model(one)
            assert model["built_at_ms"] > old["built_at_ms"]
            assert model["built_at_ms"] >= found["since_ms"]
            assert model["revision"] > old["revision"]
            assert model["window"] == old["window"]

    def test_it_goes_on_where_it_was_interrupted(
        self, url: str, user: str, pipeline: Pipeline
    ) -> None:
        first = ai_engine("rebuild", REDIS_URL=url)
        assert first.returncode == 0, first.stderr
        again = first.stderr.split("ai-engine rebuild ")[1].split()
        assert again[0] == "--since"
        built_ms = pipeline.model(user)["built_at_ms"]
        done = ai_engine("rebuild", *again, "--json", REDIS_URL=url)
        found = outcome(done)
        assert (found["fresh"], found["marked"]) == (found["users"], 0)
        assert pipeline.model(user)["built_at_ms"] == built_ms

    def test_it_ends_although_somebody_never_pauses(
        self, url: str, user: str, pipeline: Pipeline
    ) -> None:
        busy, stopping = [visitor() for _ in range(20)], threading.Event()

        def send() -> None:
            with httpx.Client(base_url=pipeline.ingest_url) as sender:
                for number in count():
                    some = {busy[number * step % 20] for step in (1, 3, 7, 9)}
                    sender.post("/api/ingest", json=[track(one, "CONTENT_LOOKUP") for one in some])
                    if stopping.wait(0.01):
                        return

        sending = threading.Thread(target=send)
        sending.start()
        try:
            built_ms = pipeline.model_of(user, events=2)["built_at_ms"]
            done = ai_engine("rebuild", "--patience", 10, REDIS_URL=url)
        finally:
            stopping.set()
            sending.join()
        assert done.returncode == 0, done.stderr
        assert pipeline.model(user)["built_at_ms"] > built_ms

    def test_somebody_without_events_in_the_window_is_not_waited_for(
        self, url: str, client: Any
    ) -> None:
        gone = visitor()
        leave_behind(client, gone)
        done = ai_engine("rebuild", "--patience", 5, REDIS_URL=url)
        client.delete(f"events:{{{gone}}}")
        assert done.returncode == 0, done.stderr

    def test_somebody_whose_model_never_comes_is_named_and_stops_nobody_else(
        self, url: str, user: str, pipeline: Pipeline, client: Any
    ) -> None:
        poisoned = visitor()
        client.zadd(f"events:{{{poisoned}}}", {"no event": 9e12})
        client.zadd(f"events:{{{poisoned}}}", {'{"message_id":"m","kind":"page"}': 9e12 - 1})
        built_ms = pipeline.model_of(user, events=1)["built_at_ms"]
        done = ai_engine("rebuild", "--patience", 3, REDIS_URL=url)
        client.delete(f"events:{{{poisoned}}}")
        assert done.returncode == 1, done.stderr
        assert poisoned in done.stdout + done.stderr
        assert pipeline.model(user)["built_at_ms"] > built_ms

    def test_without_a_worker_it_says_so(
        self, shared_stack: LocalStack, url: str, user: str
    ) -> None:
        assert user
        with without_a_worker(shared_stack):
            done = ai_engine("rebuild", "--patience", 0.5, REDIS_URL=url)
        assert done.returncode == 1
        assert "is a worker running?" in done.stderr

    def test_a_moment_that_is_none_is_named(self, url: str) -> None:
        done = ai_engine("rebuild", "--since", "yesterday", REDIS_URL=url)
        assert done.returncode == 2
        assert "'yesterday' is no moment" in done.stderr
