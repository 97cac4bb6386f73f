"""Events that can never be used, each with the reason it must be rejected for.

All come with a token of their own, by which one letter is told from another.
The oddities look as bad and must be applied.
"""

from collections.abc import Mapping

import msgspec

_DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
"""Deeper than any decoder follows."""


class Poison(msgspec.Struct, frozen=True):
    """Elements of a batch, `TOKEN` in each, and the reasons they are rejected for."""

    template: bytes
    reasons: tuple[str, ...]

    def elements(self, token: str) -> bytes:
        """Their bytes; no two tokens give the same."""
        return self.template.replace(b"TOKEN", token.encode())


_TOO_DEEP = b'{"type":"track","messageId":"TOKEN","properties":' + _DEEP + b"}"

POISONS: Mapping[str, Poison] = {
    "too deep": Poison(_TOO_DEEP, ("too_deep",)),
    # The webhook refuses what is no JSON; one that is cut short reaches a worker
    # only behind another that is too deep to be looked at.
    "cut short": Poison(
        _TOO_DEEP + b',{"type":"track","userId":"TOKEN","properties"}', ("too_deep", "malformed")
    ),
    "text": Poison(b'"TOKEN"', ("not_an_object",)),
    "list": Poison(b'["TOKEN"]', ("not_an_object",)),
    "no type": Poison(b'{"userId":"u","messageId":"TOKEN"}', ("no_type",)),
    "unknown type": Poison(b'{"type":"warp","userId":"u","messageId":"TOKEN"}', ("unknown_type",)),
    "type of broken UTF-8": Poison(
        b'{"type":"tr\xff\xfeck","userId":"u","messageId":"TOKEN"}', ("unknown_type",)
    ),
    "no user": Poison(b'{"type":"track","event":"X","messageId":"TOKEN"}', ("no_user",)),
    "user NaN": Poison(
        b'{"type":"track","event":"X","userId":NaN,"messageId":"TOKEN"}', ("no_user",)
    ),
    "user of 400 digits": Poison(
        b'{"type":"page","userId":' + b"9" * 400 + b',"messageId":"TOKEN"}', ("no_user",)
    ),
    "user of 600 letters": Poison(
        b'{"type":"page","userId":"' + b"u" * 600 + b'","messageId":"TOKEN"}',
        ("user_id_too_long",),
    ),
    "no name": Poison(b'{"type":"track","userId":"u","messageId":"TOKEN"}', ("no_name",)),
    "no content": Poison(
        b'{"type":"track","event":"CONTENT_VIEW_ENDED","userId":"u","messageId":"TOKEN"}',
        ("no_content",),
    ),
}

_ODD_VALUES = (b"NaN", b"-Infinity", b'"\xff\xfe\xc3"', b"9" * 400, b"[" * 50 + b"]" * 50)
ODDITIES = len(_ODD_VALUES)


def oddity(event: bytes, number: int) -> bytes:
    """A good event with something in it that no strict decoder likes."""
    return b'{"odd":' + _ODD_VALUES[number % ODDITIES] + b"," + event[1:]
