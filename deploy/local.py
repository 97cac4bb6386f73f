"""`LocalStack`: the whole pipeline on one machine, started and stopped together.

An embedded Valkey (or the Redis in REDIS_URL), then webhook, worker and read
API as the three processes that production runs too.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adapters.secret_files import with_secrets
from core.errors import ConfigError, RejectedError, RetryableError
from deploy.leftovers import ProcessRecord
from deploy.valkey import Valkey, free_port
from ingest_worker.composition import redis_client
from ingest_worker.process_settings import ingest_settings
from ingest_worker.publishing.composition import publish_once

_READY_WITHIN_S = 30.0
_STOP_WITHIN_S = 15.0
_COMMANDS = {
    "webhook": ["-m", "ingest_worker", "webhook"],
    "worker": ["-m", "ingest_worker", "worker"],
    "serve": ["-m", "serve_api"],
}
_PORT_SETTINGS = {"webhook": "INGEST_PORT", "worker": "WORKER_PORT", "serve": "SERVE_PORT"}


class LocalStack:
    """A context manager: inside it the pipeline runs and all three processes are ready."""

    def __init__(
        self,
        folder: Path,
        *,
        ingest_port: int,
        serve_port: int,
        environ: Mapping[str, str],
        logs_to_terminal: bool = False,
    ) -> None:
        """`folder` keeps Valkey's data, the record of processes, and logs not shown."""
        self._folder = folder
        self._logs_to_terminal = logs_to_terminal
        worker_port = int(environ.get("WORKER_PORT") or 0) or free_port()
        self._ports = {"webhook": ingest_port, "worker": worker_port, "serve": serve_port}
        self._environ = dict(environ) | {
            _PORT_SETTINGS[name]: str(port) for name, port in self._ports.items()
        }
        self._environ["CONTENT_FOLDER"] = environ.get("CONTENT_FOLDER") or str(folder / "content")
        self._record = ProcessRecord(folder / "processes.json")
        self.valkey: Valkey | None = None
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def ingest_url(self) -> str:
        """Where events go."""
        return f"http://127.0.0.1:{self._ports['webhook']}"

    @property
    def serve_url(self) -> str:
        """Where answers come from."""
        return f"http://127.0.0.1:{self._ports['serve']}"

    @property
    def worker_url(self) -> str:
        """Where the worker tells how it is."""
        return f"http://127.0.0.1:{self._ports['worker']}"

    @property
    def redis_url(self) -> str:
        """The Redis that the processes use."""
        return with_secrets(self._environ)["REDIS_URL"]

    def __enter__(self) -> Self:
        """Start everything and wait until all of it is ready. Raises: ConfigError, RuntimeError."""
        self._record.end_leftovers()
        for name, port in self._ports.items():
            _require_free(name, port)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self.stop()

    def start_process(self, name: str, **environ: str) -> None:
        """Start one of the three processes, again after it was ended."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.log").open("ab") as file:
            log = None if self._logs_to_terminal else file
            # A session of its own: Ctrl-C reaches us alone, and we stop things in order.
            self.processes[name] = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, *_COMMANDS[name]],
                env=self._environ | environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End what runs: first who takes events, then who works on them, Valkey last."""
        for name in ("webhook", "worker", "serve"):
            if (process := self.processes.get(name)) is not None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.valkey is not None:
            self.valkey.stop()
        self._record.clear()

    def ended(self) -> str | None:
        """The name of a process that has ended by itself, if any."""
        running = dict(self.processes)
        if self.valkey is not None and self.valkey.process is not None:
            running["valkey"] = self.valkey.process
        return next((name for name, one in running.items() if one.poll() is not None), None)

    def log_of(self, name: str) -> str:
        """The end of a process's log."""
        path = self._folder / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def _start(self) -> None:
        if not with_secrets(self._environ).get("REDIS_URL"):
            self.valkey = Valkey(self._folder / "valkey")
            self.valkey.start()
            self._environ["REDIS_URL"] = self.valkey.url
        for name in ("webhook", "worker"):
            self.start_process(name)
        self._publish()
        self.start_process("serve")
        running = [process.pid for process in self.processes.values()]
        if self.valkey is not None and self.valkey.process is not None:
            running.append(self.valkey.process.pid)
        self._record.write(running)
        self._wait_until_ready()

    def _publish(self) -> None:
        """Publish the catalogue while the worker starts: its publisher would be a second later.

        Raises: ConfigError.
        """
        settings = ingest_settings(self._environ)
        if settings.content_serving == "qdrant":
            return

        async def publish() -> None:
            async with redis_client(settings) as client:
                await publish_once(settings, client)

        try:
            asyncio.run(publish())
        except RetryableError:
            return  # the worker's publisher does it, as soon as it can
        except RejectedError as exc:
            raise ConfigError(f"the catalogue cannot be published: {exc}") from exc

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        waiting = {f"{url}/readyz" for url in (self.ingest_url, self.worker_url, self.serve_url)}
        while waiting and time.monotonic() < deadline:
            if (name := self.ended()) is not None:
                raise RuntimeError(f"{name} ended at its start:\n{self.log_of(name)}")
            waiting = {url for url in waiting if not _is_ready(url)}
            time.sleep(0.05)
        if waiting:
            raise RuntimeError(f"not ready within {_READY_WITHIN_S:.0f} s: {sorted(waiting)}")


def fetch_json(url: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
    """GET, or POST where there is a body. Raises: urllib.error.HTTPError."""
    data = None if body is None else json.dumps(body).encode()
    # Only ever our own ports: the URL is made from their numbers.
    request = urllib.request.Request(url, data, dict(headers or {}))  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # nosec B310
        return json.loads(response.read())


def fetch_first_item(serve_url: str, keys: str = "") -> tuple[str, str]:
    """Id and title of an item that is served; `keys` are those of the read API.

    Raises: ConfigError where there is none.
    """
    url = f"{serve_url}/api/recommend?user_id=first-look&limit=1&include_content=1"
    answer: Any = fetch_json(url, headers={"X-API-Key": keys.partition(",")[0].strip()})
    if not answer["items"]:
        raise ConfigError("the catalogue has no item to show: all are hidden or out of their time")
    item = answer["items"][0]
    return item["content_id"], item["content"]["title"]


def _is_ready(url: str) -> bool:
    try:
        answer: Any = fetch_json(url)
    except (OSError, urllib.error.URLError):
        return False
    return not answer.get("degraded")  # what starts is to be whole


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            reason = os.strerror(exc.errno or 0)
            raise ConfigError(f"{_PORT_SETTINGS[name]}={port}: {reason}") from exc
