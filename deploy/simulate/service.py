"""The service as an app meets it: the webhook and the read API, over connections that stay."""

import json
import threading
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

_TIMEOUT_S = 20.0
_OK = 200


class Service:
    """Both ports; each thread has connections of its own."""

    def __init__(self, *, ingest_url: str, serve_url: str) -> None:
        """Nothing is connected yet."""
        self._ingest, self._serve = ingest_url, serve_url
        self._own = threading.local()
        self._opened: list[HTTPConnection] = []

    def close(self) -> None:
        """Close all connections; nobody asks any more."""
        for connection in self._opened:
            connection.close()

    def recommend(self, **query: Any) -> Any:
        """A list. Raises: RuntimeError for another answer than 200, OSError."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask(self._serve, "GET", f"/api/recommend?{urlencode(given)}")

    def send(self, events: list[dict[str, Any]]) -> None:
        """Events as RudderStack sends them. Raises: RuntimeError, OSError."""
        if events:
            self._ask(self._ingest, "POST", "/api/ingest", json.dumps(events).encode())

    def _ask(self, base: str, method: str, path: str, body: bytes | None = None) -> Any:
        try:
            return self._asked(base, method, path, body)
        except ConnectionError:
            # A server lets go of connections that rest; what is sent twice counts once.
            return self._asked(base, method, path, body)

    def _asked(self, base: str, method: str, path: str, body: bytes | None) -> Any:
        connections = self._own.__dict__
        connection = connections.get(base)
        if connection is None:
            connection = HTTPConnection(urlsplit(base).netloc, timeout=_TIMEOUT_S)
            connections[base] = connection
            self._opened.append(connection)
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            connections.pop(base).close()
            raise
        if answer.status != _OK:
            raise RuntimeError(f"{method} {path.partition('?')[0]}: {answer.status} {content!r}")
        return json.loads(content)
