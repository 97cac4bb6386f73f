"""The worker's own port: what its probes answer while loops run, rest, or have stopped."""

from collections.abc import Sequence

import httpx
import msgspec

from adapters.snapshot.live import LiveContentStore
from core.errors import RetryableError
from core.ports import ContentStore
from core.queues import ShardState
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.probes import WorkerProbes
from tests.build import themed_catalogue

STALLED_AFTER_S = 60.0


class Clock:
    """A clock that the test moves."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Reader(msgspec.Struct):
    """A consumer that reads its shard, or does not."""

    is_running: bool = True


class Stream:
    """A stream that is there, or away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away

    async def enqueue(
        self, body: bytes, *, call_type: str | None, received_ms: int | None = None
    ) -> None:
        """Never asked for by a probe."""
        raise AssertionError(body, call_type, received_ms)

    async def ping(self) -> None:
        if self.away:
            raise RetryableError("Redis is away")

    async def shards(self) -> Sequence[ShardState]:
        return []


def heartbeats(clock: Clock) -> Heartbeats:
    return Heartbeats(clock_s=clock, stalled_after_s=STALLED_AFTER_S)


async def ask(
    path: str,
    beats: Heartbeats | None = None,
    readers: Sequence[Reader] = (),
    stream: Stream | None = None,
    contents: ContentStore | None = None,
) -> httpx.Response:
    probes = WorkerProbes(
        beats or heartbeats(Clock()), readers, stream or Stream(), contents or themed_catalogue()
    )
    transport = httpx.ASGITransport(probes.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


def test_a_loop_is_expected_to_run_from_the_start() -> None:
    clock = Clock()
    beats = heartbeats(clock)
    beats.expect("refresher")
    assert beats.stalled() == []
    clock.now_s += STALLED_AFTER_S
    assert beats.stalled() == []
    clock.now_s += 0.001
    assert beats.stalled() == ["refresher"], "it has never beaten"


def test_loops_that_beat_are_alive_and_the_one_that_stopped_is_named() -> None:
    clock = Clock()
    beats = heartbeats(clock)
    beating = {name: beats.expect(name) for name in ("keeper-0", "consumer-0", "refresher")}
    for _ in range(5):
        clock.now_s += STALLED_AFTER_S / 2
        beating["keeper-0"]()
        beating["refresher"]()
    assert beats.stalled() == ["consumer-0"]
    beating["consumer-0"]()
    assert beats.stalled() == [], "it runs again"


def test_a_beat_for_everybody_is_one_for_each() -> None:
    clock = Clock()
    beats = heartbeats(clock)
    names = ("consumer-0", "keeper-0")
    for name in names:
        beats.expect(name)
    clock.now_s += 10 * STALLED_AFTER_S
    assert beats.stalled() == sorted(names)
    beats.beat_all()
    assert beats.stalled() == []
    clock.now_s += STALLED_AFTER_S + 1
    assert beats.stalled() == sorted(names), "and it keeps expecting them"


async def test_a_worker_whose_loops_beat_is_alive() -> None:
    clock = Clock()
    beats = heartbeats(clock)
    beats.expect("refresher")
    answer = await ask("/healthz", beats)
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_a_worker_with_a_loop_that_stopped_is_to_be_started_anew() -> None:
    clock = Clock()
    beats = heartbeats(clock)
    beats.expect("refresher")
    beats.expect("consumer-1")
    clock.now_s += STALLED_AFTER_S / 2
    beats.expect("keeper-0")
    clock.now_s += STALLED_AFTER_S / 2 + 1
    answer = await ask("/healthz", beats)
    assert answer.status_code == 503
    assert answer.json() == {"status": "stalled", "loops": ["consumer-1", "refresher"]}


async def test_redis_away_is_no_reason_to_start_a_worker_anew() -> None:
    assert (await ask("/healthz", stream=Stream(away=True))).status_code == 200


async def test_a_worker_that_reads_every_shard_is_ready() -> None:
    answer = await ask("/readyz", readers=[Reader(), Reader()])
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_a_worker_without_its_redis_is_not_ready() -> None:
    answer = await ask("/readyz", readers=[Reader()], stream=Stream(away=True))
    assert answer.status_code == 503
    assert answer.json() == {"status": "waiting", "reason": "Redis is away"}


async def test_a_worker_without_a_catalogue_is_not_ready() -> None:
    answer = await ask("/readyz", readers=[Reader()], contents=LiveContentStore())
    assert answer.status_code == 503
    assert answer.json() == {"status": "waiting", "reason": "no catalogue yet"}


async def test_a_worker_with_a_shard_that_nobody_reads_is_not_ready() -> None:
    answer = await ask("/readyz", readers=[Reader(), Reader(is_running=False)])
    assert answer.status_code == 503
    assert answer.json() == {"status": "waiting", "reason": "not every shard is being read"}
