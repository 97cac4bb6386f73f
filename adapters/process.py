"""What every process does the same way: settings, logs, signals, an HTTP server."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from time import time_ns
from typing import Any, TypeVar

import structlog
import uvicorn
from starlette.types import ASGIApp

from adapters.http_crowd import Crowd
from adapters.http_limits import HttpLimits
from adapters.http_protocol import BoundedHttpProtocol
from adapters.logs import configure_logs
from adapters.settings import SharedSettings
from core.errors import ConfigError
from core.log_names import PROCESS_STARTED, PROCESS_STOPPED

S = TypeVar("S", bound=SharedSettings)
_GRACE_S = 10
_BAD_SETTINGS = 2
_OTHER_FILES = 1024
"""Connections to Redis and Qdrant, files, and those that wait to be accepted."""

_log = structlog.get_logger()


def run_process(
    name: str,
    read: Callable[[Mapping[str, str]], S],
    main: Callable[[S], Coroutine[Any, Any, None]],
) -> int:
    """Read the settings, run `main` until it ends, and give the exit code.

    Settings that cannot be used end the start with their names on stderr.
    """
    try:
        settings = read(os.environ)
        configure_logs(settings.log_format, settings.log_level)
        _log.info(PROCESS_STARTED, process=name, pid=os.getpid())
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main(settings))
    except ConfigError as exc:
        sys.stderr.write(f"{name} cannot start: {exc}\n")
        return _BAD_SETTINGS
    _log.info(PROCESS_STOPPED, process=name, pid=os.getpid())
    return 0


def stop_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, instead of ending the process."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stopping.set)
    return stopping


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: one process may run two servers."""

    def __init__(self, config: uvicorn.Config, opened: Callable[[int], None]) -> None:
        """`opened` is called with the port once it is open."""
        super().__init__(config)
        self._opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, and say so."""
        await super().startup(sockets)
        [port] = {one.getsockname()[1] for server in self.servers for one in server.sockets}
        self._opened(port)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def settle() -> None:
    """Take what the start has built out of the garbage collector's rounds.

    A full round over some 300,000 objects, none of them garbage, stops a busy
    process for 35 ms, two or three times a second.
    """
    gc.collect()
    gc.freeze()


async def serve_http(
    app: ASGIApp,
    host: str,
    port: int,
    stopping: asyncio.Event,
    opened: Callable[[int], None] = lambda _: None,
    limits: HttpLimits = HttpLimits(),  # noqa: B008 - it is frozen
) -> None:
    """Serve until told to stop; requests in flight are answered first.

    `opened` is called with the port once it is open: port 0 takes any free one.
    """
    _allow_files(limits.max_connections + _OTHER_FILES)
    protocol: Any = partial(BoundedHttpProtocol, limits=limits, crowd=Crowd(limits))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        timeout_keep_alive=limits.keep_alive_s,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config, opened)
    settle()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await stopping.wait()
        server.should_exit = True


def _allow_files(wanted: int) -> None:
    """Let this process open as many files as it needs for its connections, as far as it may.

    Many systems start with 256 or 1024, and a process that cannot open one more shuts out all.
    """
    try:
        import resource  # noqa: PLC0415
    except ImportError:  # Windows has no such limits
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def clock_ms() -> int:
    """The wall clock. Units: Unix milliseconds."""
    return time_ns() // 1_000_000


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where there is one: it has no build for Windows."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop
