"""The server in a process of its own: to be killed and started again on the same folder."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from deploy.valkey import free_port
from tests.qdrant_edge.switches import Switches

_READY_WITHIN_S = 30.0


class EdgeServer:
    """One server process with its collections in a folder, on one port throughout."""

    def __init__(self, folder: Path, *, api_key: str = "") -> None:
        """Nothing starts yet."""
        self._command = [sys.executable, "-m", "tests.qdrant_edge", "--folder", str(folder)]
        port = free_port()
        self._command += ["--port", str(port), "--api-key", api_key]
        self.url = f"http://127.0.0.1:{port}"
        self.switches = Switches(self.url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers. Raises: RuntimeError if it does not."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the test server does not answer on {self.url}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Hold it where it is."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False
