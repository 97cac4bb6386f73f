"""The settings of every HTTP server: what a stranger may cost before a request is known."""

import msgspec

from core.config import Count, Positive


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Variables with the prefix `HTTP_`, for all ports alike."""

    head_timeout_s: Positive = 10.0
    """How long the head of a request may take, and after an answer the rest of its body."""
    keep_alive_s: Count = 5
    """How long a connection stays open without a request."""
    max_head_bytes: Count = 65_536
    """Of request line and headers together; a request line may have half of it."""
    max_connections: Count = 1000
    """Open at once in one process; past it the one that has kept us waiting longest is closed."""
    max_bodies_bytes: Count = 64 * 1024**2
    """Of all bodies being received in one process; past it the largest is told to try later."""
