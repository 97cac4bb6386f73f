"""How many requests somebody may send: a leaky bucket that needs one number a sender.

Source: the generic cell rate algorithm, ITU-T I.371; header fields after
draft-ietf-httpapi-ratelimit-headers-10.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from math import ceil

import msgspec

WINDOW_S = 60
_MAX_SENDERS = 100_000
"""Each takes some 200 bytes; past it who has not asked for longest is forgotten."""

_ROUNDING_S = 1e-6
"""Sums of floats miss the last place of a bucket by less."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender may still do. Units: seconds."""

    admitted: bool
    limit: int
    remaining: int
    full_in_s: float
    """Until as many as `limit` may come at once again."""
    next_in_s: float
    """Until one more may come; 0 where it may now."""

    def headers(self) -> Mapping[str, str]:
        """What the answer says of it."""
        told = {
            "RateLimit-Policy": f'"minute";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"minute";r={self.remaining};t={ceil(self.full_in_s)}',
        }
        if not self.admitted:
            told["Retry-After"] = str(max(ceil(self.next_in_s), 1))
        return told


class RateLimiter:
    """`per_minute` requests a minute of each sender, all of them at once if they like.

    In the memory of one process: with several, each counts by itself.
    """

    def __init__(self, per_minute: int, max_senders: int = _MAX_SENDERS) -> None:
        """Nobody has sent anything."""
        self._limit = per_minute
        self._max_senders = max_senders
        self._spacing_s = WINDOW_S / per_minute
        # When a sender's bucket will be empty; who has asked last stands last.
        self._empty_at_s: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, sender: Hashable, now_s: float) -> Allowance:
        """Count a request. `now_s` is a steady clock. What is refused costs nothing."""
        empty_at_s = max(self._empty_at_s.get(sender, now_s), now_s)
        after_s = empty_at_s + self._spacing_s
        admitted = after_s - now_s <= WINDOW_S + _ROUNDING_S
        if admitted:
            empty_at_s = after_s
        self._keep(sender, empty_at_s, now_s)
        left_s = WINDOW_S - (empty_at_s - now_s)
        return Allowance(
            admitted=admitted,
            limit=self._limit,
            remaining=max(int((left_s + _ROUNDING_S) / self._spacing_s), 0),
            full_in_s=empty_at_s - now_s,
            next_in_s=0.0 if admitted else after_s - now_s - WINDOW_S,
        )

    def _keep(self, sender: Hashable, empty_at_s: float, now_s: float) -> None:
        """Whose bucket is empty is as somebody who never asked."""
        kept = self._empty_at_s
        kept[sender] = empty_at_s
        kept.move_to_end(sender)
        first = next(iter(kept))
        if len(kept) > self._max_senders or kept[first] <= now_s:
            del kept[first]
