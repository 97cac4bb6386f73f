"""Whom a request comes from, where no key says it."""

from collections.abc import Hashable
from ipaddress import IPv4Address, ip_address, ip_network

_IPV6_PREFIX = 64
"""What one sender has of IPv6 addresses, at the least."""


def sender_of(host: str) -> Hashable:
    """The address, of IPv6 its network; an IPv4 address stays one in whichever form."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ip_network((address.packed, _IPV6_PREFIX), strict=False)
