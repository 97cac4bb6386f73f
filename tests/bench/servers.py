"""The servers of a bench: an embedded Valkey and processes of this project.

Each is a context manager that stops what it started, on errors too.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import fetch_json
from deploy.valkey import Valkey, free_port
from tests.bench.threads import ONE_THREAD

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_REPOSITORY = Path(__file__).parents[2]
_READY_WITHIN_S = 30.0
_STOP_WITHIN_S = 15.0


def child_environ(**more: str) -> dict[str, str]:
    """An environment without the settings of whoever runs the bench."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | ONE_THREAD | more


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for data and logs, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ai-engine-bench-") as folder:
        yield Path(folder)


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """A Valkey as `ai-engine run` starts it; gives its URL."""
    # A rewrite of the log would start by size, in the middle of one repetition or another.
    server = Valkey(folder / "valkey", options={"auto-aof-rewrite-percentage": "0"})
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def beside(url: str) -> str:
    """Another database of the same server."""
    return f"{url.removesuffix('/0')}/1"


@contextmanager
def http_process(folder: Path, port_name: str, *arguments: str, **environ: str) -> Iterator[int]:
    """`python -m ARGUMENTS` as a server of its own, ready; gives its port.

    `port_name` is the variable by which the process is told its port.
    Raises: RuntimeError with its log where it does not become ready.
    """
    port = free_port()
    log = folder / f"{'-'.join(arguments)}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=child_environ(**environ, **{port_name: str(port)}),
            cwd=_REPOSITORY,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, log)
        yield port
    finally:
        _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            fetch_json(f"http://127.0.0.1:{port}/readyz")
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"not ready: {process.args!r}\n{log.read_text(errors='replace')[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
