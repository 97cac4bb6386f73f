"""Whom a request comes from, where no key says it."""

from collections.abc import Hashable
from ipaddress import ip_address, ip_network

_IPV6_PREFIX = 64
"""What one sender has of IPv6 addresses, at the least."""


def sender_of(host: str) -> Hashable:
    """The address, of IPv6 its network."""
    if ":" not in host:
        return host
    try:
        return ip_network((ip_address(host.partition("%")[0]).packed, _IPV6_PREFIX), strict=False)
    except ValueError:
        return host
