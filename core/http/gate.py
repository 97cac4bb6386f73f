"""The gate of a service: judges the keys of requests, and slows down who presents wrong ones."""

from collections.abc import Callable, Hashable, Iterable
from typing import Literal, Protocol

import msgspec

from core.http.access import AccessPolicy
from core.http.keys import Found, KeyRing
from core.http.operation import Right
from core.http.rates import RateLimiter

_MAX_SENDERS = 10_000
"""Past it who has failed least recently is forgotten: some 2 MB."""

Verdict = Found | Literal["unasked", "throttled"]
"""`unasked`: no key is asked for. `throttled`: wrong, as too many before it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """How a request's keys were judged."""

    verdict: Verdict
    key: str | None = None
    """The name of the key, where it is one of ours."""
    retry_after_s: int = 0
    """Of `throttled`: when to try again."""


class GateReport(Protocol):
    """Who is told what happens at the gate, for metrics and logs."""

    def judged(self, entry: Entry, sender: Hashable) -> None:
        """A request was judged."""
        ...


class Gate:
    """Judges by the keys that are valid at that moment.

    Wrong keys of one address are counted, and past `failures_per_minute` answered
    "later" instead of "never": whoever guesses learns less, and RudderStack, which
    drops a batch at 401 and sends it again at 429, loses less while keys are
    exchanged in the wrong order. A right key always passes, however many wrong ones
    came from there: else anybody behind the same proxy could lock RudderStack out.
    Nothing is given away by that: of a long random key nobody guesses one in the
    age of the universe, at whatever rate.
    """

    def __init__(
        self,
        keys: Callable[[], KeyRing],
        policy: AccessPolicy,
        *,
        failures_per_minute: int,
        clock_s: Callable[[], float],
        now_s: Callable[[], float],
        report: GateReport,
    ) -> None:
        """`clock_s` is a steady clock, `now_s` the wall clock."""
        self.policy = policy
        self._keys = keys
        self._failures = RateLimiter(failures_per_minute, _MAX_SENDERS)
        self._clock_s = clock_s
        self._now_s = now_s
        self._report = report

    def judge(self, right: Right, presented: Iterable[bytes], sender: Hashable) -> Entry:
        """Judge what a request of `sender` presents. A missing key is no attempt at one."""
        match = self._keys().match(presented, right, now_s=self._now_s())
        name = None if match.key is None else match.key.name
        entry = Entry(verdict=match.found, key=name)
        if self.policy.rule(right) != "key":
            is_valid = match.found in ("granted", "forbidden")
            entry = Entry(verdict="unasked", key=name if is_valid else None)
        elif match.found in ("wrong", "expired"):
            allowance = self._failures.take(sender, self._clock_s())
            if not allowance.admitted:
                retry_after_s = int(allowance.headers()["Retry-After"])
                entry = Entry(verdict="throttled", key=name, retry_after_s=retry_after_s)
        self._report.judged(entry, sender)
        return entry
