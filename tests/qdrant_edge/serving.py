"""Runs the server: in this process and its main thread, or in a thread of a test."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from tests.qdrant_edge.app import make_app
from tests.qdrant_edge.collections import Collections

_STOPPED_WITHIN_S = 10.0


def listen(port: int = 0) -> socket.socket:
    """A socket of 127.0.0.1; 0 takes a free port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()  # who connects before the server runs waits for it
    return listener


def serve(folder: Path, listener: socket.socket, *, api_key: str = "") -> None:
    """Serve until a signal ends it."""
    collections = Collections(folder)
    server = _server(collections, api_key)
    server.run(sockets=[listener])
    collections.close()


@contextlib.contextmanager
def serving(
    folder: Path, *, api_key: str = "", certificate: tuple[Path, Path] | None = None
) -> Iterator[str]:
    """The URL of a server that runs in a thread meanwhile; over TLS with a certificate."""
    collections = Collections(folder)
    server = _server(collections, api_key, certificate)
    scheme = "https" if certificate else "http"
    listener = listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_STOPPED_WITHIN_S)
        listener.close()
        collections.close()


def _server(
    collections: Collections, api_key: str, certificate: tuple[Path, Path] | None = None
) -> uvicorn.Server:
    chain, key = certificate or (None, None)
    return uvicorn.Server(
        uvicorn.Config(
            make_app(collections, api_key=api_key),
            lifespan="off",
            log_level="warning",
            access_log=False,
            ssl_certfile=chain,
            ssl_keyfile=key,
            timeout_graceful_shutdown=1,  # requests that hang on purpose never end
        )
    )
