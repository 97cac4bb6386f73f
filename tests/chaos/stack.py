"""The processes of a chaos run: an embedded Valkey, webhook, two workers, read API.

The server writes every command to its disk before it answers (`appendfsync
always`), so that nothing it confirmed may be missing after a kill; with
`everysec` a power cut may cost the last second, and no run could blame anybody.
"""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from deploy.valkey import Valkey, free_port
from tests.bench.servers import child_environ
from tests.chaos.plan import LEASE_S, WORKERS

SHARDS = 2
DEBOUNCE_MS = 100
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "webhook": ("ingest_worker", "webhook"),
    **dict.fromkeys(WORKERS, ("ingest_worker", "worker")),
    "serve": ("serve_api",),
}
_REPOSITORY = Path(__file__).parents[2]
_STOP_WITHIN_S = 20.0


class Stack:
    """A context manager: inside it everything has been started."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the server's data and the logs."""
        self._folder = folder
        self._ports = {"webhook": free_port(), "serve": free_port()}
        self.server = Valkey(folder / "valkey", options={"appendfsync": "always"})
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def ingest_url(self) -> str:
        """Where events go."""
        return f"http://127.0.0.1:{self._ports['webhook']}"

    @property
    def serve_url(self) -> str:
        """Where answers come from."""
        return f"http://127.0.0.1:{self._ports['serve']}"

    def __enter__(self) -> Self:
        try:
            self.server.start()
            for name in _COMMANDS:
                self.start(name)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def start(self, name: str) -> None:
        """Start a process, on the port it had."""
        with self._log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *_COMMANDS[name]],
                env=self._environ(),
                cwd=_REPOSITORY,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        self.processes[name].kill()
        self.processes[name].wait()

    def retire(self, name: str) -> None:
        """End a process for good."""
        self.kill(name)
        del self.processes[name]

    def pause(self, name: str) -> None:
        """Hold a process where it is."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a paused process go on."""
        self.processes[name].send_signal(signal.SIGCONT)

    def ended(self) -> list[str]:
        """The processes that do not run; while nobody is killed, those that crashed."""
        return [name for name, one in self.processes.items() if one.poll() is not None]

    def is_ready(self) -> bool:
        """Whether both ports answer, and answers do without nothing."""
        try:
            found = [httpx.get(f"{url}/readyz") for url in (self.ingest_url, self.serve_url)]
        except httpx.TransportError:
            return False
        return all(
            one.status_code == httpx.codes.OK and not one.json().get("degraded") for one in found
        )

    def logged(self, event: str) -> int:
        """How often the processes have logged an event."""
        return sum(self._log(name).read_bytes().count(event.encode()) for name in _COMMANDS)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _environ(self) -> dict[str, str]:
        """Impatient settings, so that much is taken over within a short run."""
        return child_environ(
            REDIS_URL=self.server.url,
            REDIS_TIMEOUT_S="1",
            LOG_FORMAT="json",
            INGEST_PORT=str(self._ports["webhook"]),
            INGEST_SHARDS=str(SHARDS),
            INGEST_BODY_TIMEOUT_S="2",
            SERVE_PORT=str(self._ports["serve"]),
            WORKER_DEBOUNCE_MS=str(DEBOUNCE_MS),
            WORKER_MAX_WAIT_MS="400",
            WORKER_LEASE_MS=str(round(LEASE_S * 1000)),
            WORKER_STALE_MS="1000",
            WORKER_KEEP_EVERY_MS="200",
            WORKER_GONE_MS="5000",
        )

    def _stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.server.stop()
