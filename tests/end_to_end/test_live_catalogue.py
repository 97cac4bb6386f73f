"""A curator's change is in the answers of every process within seconds, and nobody is turned away.

Two read APIs under load, a worker with its publisher, Qdrant (its engine behind
the test server). Each change is timed from the moment at which whoever made it
was done.
"""

import time
from pathlib import Path

import httpx
import pytest
import redis

from deploy.valkey import valkey_binary
from tests.end_to_end.client import Pipeline, eventually, read, visitor
from tests.end_to_end.live_catalogue import WATCHED, LiveCatalogue, live_catalogue
from tests.end_to_end.operating import Numbers, worker_url
from tests.end_to_end.watching import Watch

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")

ITEMS = {name: f"The story of {name}" for name in ("ada", "bob", "cyd", "dan", "eve")}
WITHIN_S = 5.0
RATE = 120.0
"""Requests a second of each of the two."""


def test_every_change_is_in_all_answers_within_five_seconds_and_none_fails(tmp_path: Path) -> None:
    with live_catalogue(tmp_path, ITEMS) as live:
        with Watch(live.ports, WATCHED, rate=RATE) as watch:
            time.sleep(1)
            changes = (_new_text, _hidden, _deleted, _new)
            took = {change.__name__: change(live, watch) for change in changes}
        assert watch.failed == []
        assert len(watch.answers) > 1000
        assert all(seconds <= WITHIN_S for seconds in took.values()), took
        for numbers in live.numbers():
            assert numbers("catalogue_swaps_total") >= 5
            assert numbers("catalogue_items") == 306


def test_a_catalogue_that_is_asked_in_qdrant_needs_no_snapshot(tmp_path: Path) -> None:
    with live_catalogue(tmp_path, ITEMS, CONTENT_SERVING="qdrant") as live:
        live.write({"ada": "Another story"})
        live.edit("bob", hidden=True)
        left = {name: text for name, text in ITEMS.items() if name != "bob"}
        live.eventually_shows(left | {"ada": "Another story"})
        assert not list((tmp_path / "content").glob("*.snapshot"))
        with redis.Redis.from_url(live.stack.redis_url) as client:
            chunks = client.keys("chunk:*")
            assert [one for one in chunks if b"collective" not in one] == []
        assert "publisher.started" not in live.stack.log_of("worker")
        # A worker counts what is read most by itself then.
        Pipeline.of(live.stack).accept(*(read(visitor(), "ada", 60) for _ in range(2)))
        popular = f"{live.stack.serve_url}/api/popular?limit=1"
        [best] = eventually(
            lambda: (found := httpx.get(popular).json())["visitors"] == 2 and found["items"]
        )
        assert (best["content_id"], best["views"]) == ("ada", 2)
        assert Numbers(worker_url(live.stack))("popularity_visitors") == 2


def _new_text(live: LiveCatalogue, watch: Watch) -> float:
    """An item is written anew."""
    live.write({"ada": "Another story"})
    return watch.seconds_until(lambda shown: shown["ada"] == "Another story", time.monotonic())


def _hidden(live: LiveCatalogue, watch: Watch) -> float:
    """Another is hidden by other hands, which leave no mark."""
    live.edit("bob", hidden=True)
    return watch.seconds_until(lambda shown: "bob" not in shown, time.monotonic())


def _deleted(live: LiveCatalogue, watch: Watch) -> float:
    """Another is deleted by other hands."""
    live.remove("cyd")
    return watch.seconds_until(lambda shown: "cyd" not in shown, time.monotonic())


def _new(live: LiveCatalogue, watch: Watch) -> float:
    """Two that were not there."""
    live.write({"fay": "New", "gil": "New"})
    return watch.seconds_until(lambda shown: {"fay", "gil"} <= shown.keys(), time.monotonic())
