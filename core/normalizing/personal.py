"""What of a text looks like somebody's: e-mail addresses, IP addresses, telephone numbers.

Each is taken for one only in a form that little else has: `1.2.3.4` in an id of
`part-1.2.3.4` is none, nor is a bare number. All patterns take linear time.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network

MAIL_MARK = "<e-mail>"
ADDRESS_MARK = "<ip>"
PHONE_MARK = "<phone>"
_MARKS = (MAIL_MARK, ADDRESS_MARK, PHONE_MARK)

# From the start of a run of characters, without going back: else each of them
# would be tried as the start.
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]++(?:\.[\w-]++)++")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = re.compile(rf"(?<![\w.-])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w-]|\.\w)")
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?(?![\w:])"
)
_SHORTEST_IPV6 = 7
"""Shorter ones look like much else, and are hardly anybody's."""
_PHONE = re.compile(
    r"(?<![\w+])(?:\+[1-9](?:[ ()./-]{0,3}\d){6,14}|0\d{1,5}[ /]\d{3,}+(?:[ -]?\d)*+)(?!\d)"
)

_OWN = (
    *map(ip_network, ("127.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "172.16.0.0/12")),
    *map(ip_network, ("192.168.0.0/16", "169.254.0.0/16", "::/127", "fc00::/7", "fe80::/10")),
)
"""What addresses of machines and their own networks are in."""


def is_personal(text: str) -> bool:
    """Whether a text holds anything like that, or the mark of what it held."""
    if "<" in text and any(mark in text for mark in _MARKS):
        return True
    return masked(text) != text


def is_masked(text: str) -> bool:
    """Whether something in a text was masked."""
    return any(mark in text for mark in _MARKS)


def masked(text: str, *, keep_private: bool = False) -> str:
    """The text with marks in the place of all that; a second time changes nothing.

    `keep_private` leaves the addresses that only a machine's own network has.
    """
    if "@" in text or "%40" in text:
        text = _MAIL.sub(MAIL_MARK, text)
    if text.count(":") > 1:
        text = _IPV6.sub(_address(keep_private=keep_private), text)
    if "." in text:
        text = _IPV4.sub(_address(keep_private=keep_private), text)
    if "+" in text or " " in text or "/" in text:
        text = _PHONE.sub(PHONE_MARK, text)
    return text


def _address(*, keep_private: bool) -> Callable[[re.Match[str]], str]:
    def mark(found: re.Match[str]) -> str:
        text = found[0]
        if ":" in text and len(text) < _SHORTEST_IPV6:
            return text
        try:
            address = ip_address(text)
        except ValueError:
            return text
        is_own = keep_private and any(address in network for network in _OWN)
        return text if is_own else ADDRESS_MARK

    return mark
