"""Whether somebody on this machine asks, and not a page or a proxy that reaches it from there."""

from collections.abc import Mapping

from core.http.access import is_loopback

_FORWARDED = ("Forwarded", "X-Forwarded-For")


def is_asked_locally(headers: Mapping[str, str]) -> bool:
    """Whether the headers of a request that came to a loopback address say the same.

    A page of a stranger may give its own name this machine's address, and a browser
    then takes what is answered here for its own (DNS rebinding); but it still sends
    that name as `Host`. What a proxy passes on is not from this machine.
    """
    if any(name in headers for name in _FORWARDED):
        return False
    host = headers.get("Host", "")
    if host.startswith("["):
        return is_loopback(host[1:].partition("]")[0])
    return is_loopback(host.partition(":")[0].lower())
