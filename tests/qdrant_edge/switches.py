"""What a test sets on a running server: faults, and what it wants to know of the requests."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec

from tests.qdrant_edge.faults import Fault


class Switches:
    """Over HTTP, as the server may run in another process."""

    def __init__(self, url: str) -> None:
        """Of the server at that URL."""
        self._url = url

    def fail(self, fault: Fault) -> None:
        """From now on, until `heal` or so many times."""
        body = msgspec.json.encode(fault)
        httpx.post(f"{self._url}/test/faults", content=body).raise_for_status()

    def heal(self) -> None:
        """End all faults."""
        httpx.delete(f"{self._url}/test/faults").raise_for_status()

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """The fault, for a while."""
        self.fail(fault)
        try:
            yield
        finally:
            self.heal()

    def requests(self) -> list[str]:
        """What was asked since the last time: "METHOD /path" each."""
        answer = httpx.delete(f"{self._url}/test/requests")
        return msgspec.convert(answer.json(), list[str])

    def optimize(self, collection: str) -> None:
        """Index now what a server indexes by itself in a while."""
        answer = httpx.post(f"{self._url}/test/optimize/{collection}", timeout=600.0)
        answer.raise_for_status()
