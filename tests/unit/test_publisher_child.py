"""A worker's publisher as a process: started, listened to, started again, and ended with it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import RetryableError
from ingest_worker.publishing.child import PublisherChild
from ingest_worker.publishing.report import PublisherCollector

# Each writes its number first, and reports as it likes.
BEGIN = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n');"
GOOD = BEGIN + (
    'print(\'{"publications": 3, "items": 7, "holds_lease": true}\', flush=True);sys.stdin.read()'
)
SILENT = BEGIN + "sys.stdin.read()"
STUBBORN = BEGIN + "print('{}', flush=True); time.sleep(60)"
SHORT = BEGIN + "print('no report', flush=True)"


class Holder:
    """A lease that is ours, somebody else's, or away."""

    def __init__(self) -> None:
        self.is_ours = True
        self.is_away = False
        self.asked = 0

    async def hold(self, _: str) -> bool:
        self.asked += 1
        if self.is_away:
            raise RetryableError("Redis is away")
        return self.is_ours

    async def release(self, holder: str) -> None:
        """The child's to do."""
        raise AssertionError(holder)


class Parent:
    """A worker that looks after a child."""

    def __init__(self, script: str, path: Path, lease: Holder, *, silent_s: float = 20) -> None:
        self.path = path / "pids"
        self.path.touch()
        self.shown, self.beats = PublisherCollector(), 0
        self.stopping = asyncio.Event()
        child = PublisherChild(
            lease,
            holder="me",
            command=[sys.executable, "-c", script, str(self.path)],
            shown=self.shown,
            beat=self.beat,
            look_every_s=0.02,
            silent_s=silent_s,
            end_within_s=0.5,
        )
        self.running = asyncio.create_task(child.run(self.stopping))

    def beat(self) -> None:
        self.beats += 1

    @property
    def children(self) -> list[int]:
        """The numbers of all that were started."""
        return [int(line) for line in self.path.read_text().split()]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        self.stopping.set()
        async with asyncio.timeout(30):
            await self.running
        assert [pid for pid in self.children if runs(pid)] == []


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def shown(parent: Parent, name: str) -> float:
    samples = [one for metric in parent.shown.collect() for one in metric.samples]
    [value] = [one.value for one in samples if one.name == f"ai_engine_publisher_{name}"]
    return value


async def test_its_report_is_in_the_numbers_of_the_worker(tmp_path: Path) -> None:
    parent = Parent(GOOD, tmp_path, Holder())
    await parent.until(lambda: shown(parent, "items") == 7)
    assert shown(parent, "publications_total") == 3
    assert shown(parent, "holds_lease") == 1
    assert shown(parent, "starts_total") == 1
    assert parent.beats >= 2
    await parent.end()
    assert shown(parent, "holds_lease") == 0


async def test_one_that_is_killed_is_started_again(tmp_path: Path) -> None:
    parent = Parent(GOOD, tmp_path, Holder())
    await parent.until(lambda: shown(parent, "holds_lease") == 1)
    os.kill(parent.children[0], signal.SIGKILL)
    await parent.until(lambda: len(parent.children) == 2)
    assert runs(parent.children[1])
    await parent.end()


@pytest.mark.parametrize("script", [SHORT, "nonsense"])
async def test_one_that_ends_at_once_is_tried_again_but_not_all_the_time(
    tmp_path: Path, script: str
) -> None:
    lease = Holder()
    parent = Parent(script, tmp_path, lease)
    await parent.until(lambda: shown(parent, "starts_total") == 2)
    assert lease.asked == 2
    await parent.end()


async def test_one_that_falls_silent_is_replaced(tmp_path: Path) -> None:
    parent = Parent(SILENT, tmp_path, Holder(), silent_s=0.5)
    await parent.until(lambda: len(parent.children) == 2)
    assert not runs(parent.children[0])
    await parent.end()


async def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    parent = Parent(STUBBORN, tmp_path, Holder())
    await parent.until(lambda: len(parent.children) == 1)
    await parent.end()


@pytest.mark.parametrize("reason", ["taken", "away"])
async def test_none_is_started_without_the_lease(tmp_path: Path, reason: str) -> None:
    lease = Holder()
    lease.is_ours, lease.is_away = reason != "taken", reason == "away"
    parent = Parent(GOOD, tmp_path, lease)
    await parent.until(lambda: lease.asked > 3)
    assert parent.children == []
    assert parent.beats > 3
    lease.is_ours, lease.is_away = True, False
    await parent.until(lambda: len(parent.children) == 1)
    await parent.end()
