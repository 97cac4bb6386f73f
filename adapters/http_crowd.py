"""All connections of one server: how many there may be, and which has to go first.

uvicorn's `limit_concurrency` lets every connection in and past the limit answers
503 to all requests: a thousand silent connections would shut out everybody else.
Here those that keep us waiting make room for those who ask.
"""

from typing import Protocol

from adapters.http_limits import HttpLimits


class Guest(Protocol):
    """An open connection."""

    held_bytes: int
    """Of bodies that it has sent and that are not answered yet."""

    def make_room(self) -> None:
        """Be gone, as another needs the place."""

    def try_later(self) -> None:
        """Be told so and go, as another needs the memory."""


class Crowd:
    """The open connections of one server."""

    def __init__(self, limits: HttpLimits) -> None:
        """Nobody is there yet."""
        self._limits = limits
        self._open: set[Guest] = set()
        self._waited_for: dict[Guest, None] = {}
        self._held_bytes = 0

    def enter(self, guest: Guest) -> bool:
        """Let one in; past the bound another goes. False where all others are being answered."""
        if len(self._open) >= self._limits.max_connections and not self._send_away_one():
            return False
        self._open.add(guest)
        self.wait_for(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """One is gone."""
        self._open.discard(guest)
        self._waited_for.pop(guest, None)
        self.release(guest)

    def wait_for(self, guest: Guest) -> None:
        """From now on it is theirs to go on: to send, or to take what is sent."""
        self._waited_for.pop(guest, None)
        self._waited_for[guest] = None

    def stop_waiting_for(self, guest: Guest) -> None:
        """From now on it is ours to go on."""
        self._waited_for.pop(guest, None)

    def hold(self, guest: Guest, size: int) -> bool:
        """Count a part of a body; past the bound the one with most goes. False: so must this one.

        Units: `size` in bytes.
        """
        guest.held_bytes += size
        self._held_bytes += size
        if self._held_bytes <= self._limits.max_bodies_bytes:
            return True
        largest = max(self._waited_for, key=lambda one: one.held_bytes, default=guest)
        if largest.held_bytes <= guest.held_bytes:
            return False
        self.release(largest)
        largest.try_later()
        return True

    def release(self, guest: Guest) -> None:
        """What a connection has sent is answered."""
        self._held_bytes -= guest.held_bytes
        guest.held_bytes = 0

    def _send_away_one(self) -> bool:
        longest = next(iter(self._waited_for), None)
        if longest is None:
            return False
        self.leave(longest)
        longest.make_room()
        return True
