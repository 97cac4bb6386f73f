"""Remembers the processes of a local run, so that the next one can end what a kill left.

A supervisor that is killed cannot stop its children; they would hold the ports.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import msgspec

_END_WITHIN_S = 5.0


class Started(msgspec.Struct, frozen=True):
    """A process and its command line, by which a reused number is told apart."""

    pid: int
    command: str


class ProcessRecord:
    """The processes of the latest run, in a file."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist."""
        self._path = path

    def end_leftovers(self) -> list[Started]:
        """End what still runs of an earlier run, and say what that was."""
        ended = [one for one in self._read() if _command(one.pid) == one.command]
        for one in ended:
            _end(one)
        self._path.unlink(missing_ok=True)
        return ended

    def write(self, pids: list[int]) -> None:
        """Remember the running processes."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        started = [Started(pid, _command(pid)) for pid in pids]
        self._path.write_bytes(msgspec.json.encode(started))

    def clear(self) -> None:
        """Forget them: they were stopped in order."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> list[Started]:
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._path.read_bytes(), type=list[Started])
        return []


def _command(pid: int) -> str:
    """The command line of a process, empty where there is none."""
    shown = subprocess.run(  # noqa: S603
        ["ps", "-p", str(pid), "-o", "command="],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout.strip()


def _end(one: Started) -> None:
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(one.pid, wanted)
        deadline = time.monotonic() + _END_WITHIN_S
        while time.monotonic() < deadline:
            if _command(one.pid) != one.command:
                return
            time.sleep(0.05)
