"""Who is let in: keys, and how often somebody may ask."""

from collections.abc import Callable, Hashable, Mapping

from starlette.requests import Request

from core.http.access import Rule
from core.http.gate import Entry, Gate
from core.http.keys import presented_keys
from core.http.local import is_asked_locally
from core.http.operation import Access
from core.http.problems import Problem, ProblemError
from core.http.rates import RateLimiter
from core.http.senders import sender_of
from serve_api.settings import ServeSettings

_NOBODY: Mapping[str, str] = {}


class Doors:
    """Lets requests in by the settings."""

    def __init__(self, settings: ServeSettings, gate: Gate, clock_s: Callable[[], float]) -> None:
        """`clock_s` is a steady clock."""
        self._gate = gate
        self._clock_s = clock_s
        rate = settings.rate_per_minute
        self._limiter = RateLimiter(rate) if rate else None

    def admit(self, access: Access, request: Request) -> Mapping[str, str]:
        """Headers for the answer to who may ask.

        A wrong key costs nothing where none is asked for: a proxy in front may use
        `Authorization` for itself. It is then counted by its address, so that keys
        that are made up gain nothing.

        Raises: ProblemError for who may not.
        """
        if access == "open":
            return _NOBODY
        sender = sender_of(request.client.host if request.client else "")
        entry = self._gate.judge(access, presented_keys(request.headers), sender)
        headers = self._count(sender if entry.key is None else entry.key)
        _check_key(entry, headers)
        rule = self._gate.policy.rule(access)
        _check(rule, has_key=entry.verdict == "granted", request=request, headers=headers)
        return headers

    def _count(self, sender: Hashable) -> Mapping[str, str]:
        """Count a request whatever its key is, so that guesses are counted too."""
        if self._limiter is None:
            return _NOBODY
        allowance = self._limiter.take(sender, self._clock_s())
        headers = allowance.headers()
        if not allowance.admitted:
            raise _later("Too many requests", headers)
        return headers


def _check_key(entry: Entry, headers: Mapping[str, str]) -> None:
    """Refuse who presents too many wrong keys, or one of ours that may not do this."""
    if entry.verdict == "throttled":
        retry = {"Retry-After": str(entry.retry_after_s)}
        raise _later("Too many wrong keys", {**headers, **retry})
    if entry.verdict == "forbidden":
        raise _refusal(403, "Not with this key", "the key has no right to this", headers)


def _check(rule: Rule, *, has_key: bool, request: Request, headers: Mapping[str, str]) -> None:
    if rule == "key" and not has_key:
        challenge = {"WWW-Authenticate": 'Bearer realm="ai-engine"'}
        raise _refusal(401, "No valid key", "the key is missing or wrong", {**headers, **challenge})
    if rule == "closed" or (rule == "local" and not is_asked_locally(request.headers)):
        detail = "set SERVE_API_KEY to let those in who have a key"
        raise _refusal(403, "No key is set", detail, headers)


def _later(title: str, headers: Mapping[str, str]) -> ProblemError:
    return _refusal(429, title, f"ask again in {headers['Retry-After']} s", headers)


def _refusal(status: int, title: str, detail: str, headers: Mapping[str, str]) -> ProblemError:
    return ProblemError(Problem(title=title, status=status, detail=detail), headers)
