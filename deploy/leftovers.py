"""Remembers the processes of a local run, so that the next one can end what a kill left.

A supervisor that is killed cannot stop its children; they would hold the ports.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from core.errors import ConfigError

_END_WITHIN_S = 5.0
_STATE, _STARTED = 0, 19
"""Of the fields after the name in /proc/PID/stat: the state, and when the process started."""
_ENDED_STATES = ("Z", "X", "x")


class Started(msgspec.Struct, frozen=True):
    """A process, and its start, by which a reused number is told apart."""

    pid: int
    birth: str
    is_supervisor: bool = False

    @property
    def is_running(self) -> bool:
        """Whether that very process still runs."""
        return bool(self.birth) and _birth(self.pid) == self.birth


class ProcessRecord:
    """The processes of the latest run, in a file."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist."""
        self._path = path

    def end_leftovers(self) -> None:
        """End what still runs of an earlier run whose supervisor is gone.

        Raises: ConfigError where the supervisor still runs too.
        """
        running = [one for one in self._read() if one.is_running]
        for one in running:
            if one.is_supervisor and one.pid != os.getpid():
                raise ConfigError(
                    f"{self._path.parent} is in use by process {one.pid}; stop that, or take "
                    "another --folder"
                )
        for one in running:
            if not one.is_supervisor:
                _end(one)
        self._path.unlink(missing_ok=True)

    def write(self, pids: list[int]) -> None:
        """Remember the running processes, this one as their supervisor."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        supervisor = Started(os.getpid(), _birth(os.getpid()), is_supervisor=True)
        started = [supervisor, *(Started(pid, _birth(pid)) for pid in pids)]
        self._path.write_bytes(msgspec.json.encode(started))

    def clear(self) -> None:
        """Forget them: they were stopped in order."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> list[Started]:
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._path.read_bytes(), type=list[Started])
        return []


def _birth(pid: int) -> str:
    """When a process was started, empty where there is none or no way to tell.

    Not by its command line where there is another way: of a process that has
    just been started that is empty for a moment.
    """
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return "" if fields[_STATE] in _ENDED_STATES else f"{boot} {fields[_STARTED]}"
    ps = shutil.which("ps")
    if Path("/proc/self").exists() or ps is None:
        return ""
    shown = subprocess.run(  # noqa: S603 - a number is all that is not written here
        [ps, "-p", str(pid), "-o", "lstart=,command="],
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
            if not one.is_running:
                return
            time.sleep(0.05)
