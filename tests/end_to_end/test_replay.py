"""`ai-engine replay`: files with good and bad lines, through the stream and the workers."""

import gzip
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from deploy.local import LocalStack
from deploy.valkey import Valkey, valkey_binary
from tests.build import DAY_MS
from tests.end_to_end.client import Pipeline, eventually, read, visitor
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.operating import outcome

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


@pytest.fixture
def url(shared_stack: LocalStack) -> str:
    return shared_stack.redis_url


@pytest.fixture
def pipeline(shared_stack: LocalStack) -> Pipeline:
    return Pipeline.of(shared_stack)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    """A server without any worker, not started yet."""
    server = Valkey(tmp_path / "valkey")
    yield server
    server.kill()


def file_of(folder: Path, lines: Sequence[object], *, packed: bool = False) -> Path:
    """A file of lines, JSON unless they are text."""
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    path = folder / ("events.jsonl.gz" if packed else "events.jsonl")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


def times(url: str, user: str) -> list[int]:
    """When the buffered events of a visitor happened."""
    with redis.Redis.from_url(url) as client:
        found: Any = client.zrange(f"events:{{{user}}}", 0, -1, withscores=True)
    return [int(score) for _, score in found]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_good_lines_are_applied_and_bad_ones_named(
    tmp_path: Path, url: str, pipeline: Pipeline, *, packed: bool
) -> None:
    users = [visitor() for _ in range(3)]
    lines = [
        read(users[0], "lidice-children", 60),
        "",
        '{"type": "page", ',
        [read(users[1], "lidice-children", 60), read(users[1], "brundibar-terezin", 60)],
        "   ",
        "<xml/>",
        {"type": "page", "userId": "x" * 5000},
        {"batch": [read(users[2], "lidice-children", 60)]},
    ]
    path = file_of(tmp_path, lines, packed=packed)
    done = ai_engine("replay", path, REDIS_URL=url, INGEST_MAX_BODY_BYTES="4000")
    assert done.returncode == 1
    assert "line 3: the body is not JSON\n" in done.stderr
    assert "line 6: the body is not JSON\n" in done.stderr
    assert "line 7: longer than INGEST_MAX_BODY_BYTES\n" in done.stderr
    assert done.stderr.count("line ") == 3
    assert done.stdout == "4 events in 3 bodies sent; 3 of 6 lines left out\n"
    for user, events in zip(users, (1, 2, 1), strict=True):
        pipeline.model_of(user, events=events)


def test_it_goes_on_from_a_line_and_twice_is_once(
    tmp_path: Path, url: str, pipeline: Pipeline
) -> None:
    early, late = visitor(), visitor()
    path = file_of(
        tmp_path,
        [
            read(early, "lidice-children", 60),
            "no JSON",
            "",
            read(late, "lidice-children", 60),
            read(late, "brundibar-terezin", 60),
        ],
    )
    first = ai_engine("replay", path, "--from-line", 3, "--json", REDIS_URL=url)
    assert outcome(first) == {"lines": 2, "bodies": 2, "events": 2, "problems": []}
    assert first.returncode == 0
    model = pipeline.model_of(late, events=2)
    before = times(url, late)
    again = ai_engine("replay", path, "--from-line", 3, REDIS_URL=url)
    assert again.returncode == 0
    marker = visitor()
    pipeline.accept(read(marker, "lidice-children", 60))  # stored behind it, so handled after it
    pipeline.model_of(marker, events=1)
    assert times(url, late) == before
    assert pipeline.model(late)["revision"] == model["revision"]
    assert pipeline.model(early) is None


def test_events_of_last_week_stay_there(tmp_path: Path, url: str, pipeline: Pipeline) -> None:
    """Where nobody says when they were received, they were when they were sent."""
    users = [visitor() for _ in range(6)]
    happened_ms = int(time.time() * 1000) - 7 * DAY_MS

    def event(user: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "page",
            "userId": user,
            "messageId": user,
            "originalTimestamp": happened_ms,
        } | more

    sent = {"sentAt": happened_ms + 1_000}
    received = {"receivedAt": happened_ms + 2_000}
    lines = [
        event(users[0], **sent),
        {"batch": [event(users[1])], **sent},
        [event(users[2], **sent)],
        {"batch": [event(users[3], **sent)]},
        [event(users[4], **sent, **received)],
        {"batch": [event(users[5], **received)], **sent},
    ]
    assert ai_engine("replay", file_of(tmp_path, lines), REDIS_URL=url).returncode == 0
    for user in users:
        pipeline.model_of(user, events=1)
    assert [times(url, user) for user in users] == [[happened_ms]] * 6


def test_a_rate_is_kept(tmp_path: Path, server: Valkey) -> None:
    server.start()
    path = file_of(tmp_path, [[{"type": "page"}] * 10] * 6)
    started_s = time.monotonic()
    assert ai_engine("replay", path, "--rate", 20, REDIS_URL=server.url).returncode == 0
    assert time.monotonic() - started_s >= 3.0


@pytest.mark.parametrize("broken", ["cut", "damaged"])
def test_a_broken_gzip_is_said_to_be_one(tmp_path: Path, server: Valkey, broken: str) -> None:
    server.start()
    packer = zlib.compressobj(wbits=31)
    lines = [b'{"type": "page", "messageId": "%s"}\n' % visitor().encode() for _ in range(2_050)]
    whole = packer.compress(b"".join(lines)) + packer.flush(zlib.Z_FULL_FLUSH)
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(whole if broken == "cut" else whole + b"\xff" * 100)
    done = ai_engine("replay", path, REDIS_URL=server.url)
    assert done.returncode == 1
    told, _, why = done.stderr.partition(" is broken after line ")
    assert told == f"Error: {path}"
    readable = int(why.partition(":")[0])
    assert readable == 2_050 if broken == "cut" else 0 < readable < 2_050
    with redis.Redis(port=server.port) as client:
        assert client.xlen("ingest:{0}") == readable, "what could be read was sent"


def test_a_file_that_is_not_there_is_named() -> None:
    done = ai_engine("replay", "/nowhere.jsonl", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 2
    assert "/nowhere.jsonl" in done.stderr


def test_a_redis_that_stays_away_ends_it_with_where_to_go_on(
    tmp_path: Path, server: Valkey
) -> None:
    path = file_of(tmp_path, ["", {"type": "page"}, {"type": "page"}])
    done = ai_engine("replay", path, "--patience", 0.1, REDIS_URL=server.url)
    assert done.returncode == 1
    assert "Redis is away" in done.stderr
    assert "--from-line 2" in done.stderr


class TestWaiting:
    @pytest.fixture
    def replaying(self, tmp_path: Path, server: Valkey) -> Iterator[subprocess.Popen[str]]:
        """A replay of 250 lines that waits for its Redis, and for room in it."""
        path = file_of(tmp_path, [{"type": "page", "messageId": str(n)} for n in range(250)])
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "replay", str(path)],
            env=ENVIRON | {"REDIS_URL": server.url, "INGEST_MAX_BACKLOG_ENTRIES": "10"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        yield process
        process.kill()
        process.communicate()

    def test_it_waits_for_a_redis_that_is_away_and_for_what_waits_before_it(
        self, server: Valkey, replaying: subprocess.Popen[str]
    ) -> None:
        time.sleep(1.5)  # it has met no Redis by then
        server.start()
        with redis.Redis(port=server.port) as client:
            for stored in (100, 100, 50):
                eventually(lambda: client.xlen("ingest:{0}"))
                time.sleep(0.3)
                assert client.xlen("ingest:{0}") == stored, "it waits until that is processed"
                client.xtrim("ingest:{0}", maxlen=0)
        told, _ = replaying.communicate(timeout=30)
        assert replaying.returncode == 0
        assert told == "250 events in 250 bodies sent; 0 of 250 lines left out\n"
