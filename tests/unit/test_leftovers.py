"""What an earlier run left is told apart from what only has the same number."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigError
from deploy.leftovers import ProcessRecord, Started, _birth

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def record(path: Path, *started: Started) -> ProcessRecord:
    path.write_bytes(msgspec.json.encode(list(started)))
    return ProcessRecord(path)


def test_a_process_is_known_from_its_very_start(tmp_path: Path) -> None:
    """Its command line is empty for a moment, and it was once left running for that."""
    for _ in range(20):
        with subprocess.Popen(SLEEP) as process:
            record(tmp_path / "record", Started(process.pid, _birth(process.pid))).end_leftovers()
            assert process.wait(timeout=5) != 0


def test_a_process_that_only_has_the_same_number_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as process:
        record(tmp_path / "record", Started(process.pid, "another start")).end_leftovers()
        assert process.poll() is None
        process.kill()


def test_a_process_that_has_ended_does_not_run_though_nobody_has_asked_for_its_end() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        one = Started(process.pid, _birth(process.pid))
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not one.is_running


def test_a_folder_whose_supervisor_runs_is_in_use(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as process:
        running = Started(process.pid, _birth(process.pid), is_supervisor=True)
        with pytest.raises(ConfigError, match=f"in use by process {process.pid}"):
            record(tmp_path / "record", running).end_leftovers()
        process.kill()
