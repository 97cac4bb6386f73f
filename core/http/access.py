"""Who may ask for an operation, by what the operation is and how the service is set up."""

from ipaddress import ip_address
from typing import Literal

import msgspec

from core.http.operation import Access

Rule = Literal["open", "key", "local", "closed"]
"""Everybody may; who has a key may; without any key, who asks from this machine may; nobody may."""


class AccessPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is set up."""

    has_keys: bool = False
    """Also where a file of keys is named and has none: closed is what it was to be."""
    require_key: bool = False
    """Whether recommendations need a key, too."""
    is_local: bool = False
    """Whether the service listens to this machine alone: then it works without any key."""

    def rule(self, access: Access) -> Rule:
        """Who may ask."""
        if access == "open" or (access == "recommend" and not self.require_key):
            return "open"
        if self.has_keys:
            return "key"
        if access == "ingest":
            return "open"
        is_of_people = access in ("personal", "operate")
        return "local" if self.is_local and is_of_people else "closed"


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
