"""Who is let in: keys, and how often somebody may ask."""

from collections.abc import Callable, Hashable, Mapping
from ipaddress import ip_address, ip_network

from starlette.requests import Request

from core.http.access import Rule
from core.http.keys import KeyRing, presented_keys
from core.http.local import is_asked_locally
from core.http.operation import Access
from core.http.problems import Problem, ProblemError
from core.http.rates import RateLimiter
from serve_api.settings import ServeSettings

_NOBODY: Mapping[str, str] = {}
_IPV6_PREFIX = 64
"""What one sender has of IPv6 addresses, at the least."""


class Doors:
    """Lets requests in by the settings."""

    def __init__(self, settings: ServeSettings, clock_s: Callable[[], float]) -> None:
        """`clock_s` is a steady clock."""
        self._keys = KeyRing(settings.api_key)
        self._policy = settings.access
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
        rule = self._policy.rule(access)
        if access == "open" or (rule == "open" and self._limiter is None):
            return _NOBODY
        place = self._keys.find(presented_keys(request.headers))
        headers = self._count(place, request)
        _check(rule, has_key=place is not None, request=request, headers=headers)
        return headers

    def _count(self, place: int | None, request: Request) -> Mapping[str, str]:
        """Count a request before its key is judged, so that guesses are counted too."""
        if self._limiter is None:
            return _NOBODY
        sender: Hashable = _address(request) if place is None else place
        allowance = self._limiter.take(sender, self._clock_s())
        headers = allowance.headers()
        if not allowance.admitted:
            raise _refusal(
                429, "Too many requests", f"ask again in {headers['Retry-After']} s", headers
            )
        return headers


def _check(rule: Rule, *, has_key: bool, request: Request, headers: Mapping[str, str]) -> None:
    if rule == "key" and not has_key:
        challenge = {"WWW-Authenticate": 'Bearer realm="ai-engine"'}
        raise _refusal(401, "No valid key", "the key is missing or wrong", {**headers, **challenge})
    if rule == "closed" or (rule == "local" and not is_asked_locally(request.headers)):
        detail = "set SERVE_API_KEY to let those in who have a key"
        raise _refusal(403, "No key is set", detail, headers)


def _refusal(status: int, title: str, detail: str, headers: Mapping[str, str]) -> ProblemError:
    return ProblemError(Problem(title=title, status=status, detail=detail), headers)


def _address(request: Request) -> Hashable:
    """Where a request comes from, of IPv6 the network."""
    host = request.client.host if request.client else ""
    if ":" not in host:
        return host
    try:
        return ip_network((ip_address(host.partition("%")[0]).packed, _IPV6_PREFIX), strict=False)
    except ValueError:
        return host
