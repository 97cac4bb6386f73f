"""RudderStack events for the fuzz: whole ones, mutated ones, and what is no event at all."""

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

from tests.build import DAY_MS, MINUTE_MS, NOW_MS

# What JSON has no value for, or Python no text: it stands for itself in the body.
_PIECES = (
    *(b"9" * 30, b"-" + b"9" * 60, b"1" + b"0" * 400, b"7" * 4300, b"-" + b"7" * 4300, b"7" * 4301),
    *(b"1e999", b"-1e999", b"1e-999", b"1E+2", b"NaN", b"Infinity", b"-Infinity"),
    b'"\xff\xfe"',
    b'"cut \xe2\x82"',
    b'"\xed\xa0\x80"',
    rb'"\ud83d"',
    rb'"\udc00\ud83d"',
    rb'"\u0000"',
    b'"a line\n\tand\x00more"',
    rb'"\ud83d\ude00 ] } , \" \\"',
    b'"' + b"long " * 500 + b'"',
)
# A second value of a key that was there, or a key that is none.
_DOUBLES = (
    *(b'"userId":{"a":[]}', b'"type":"track"', b'"properties":[[]]', b'"\xff":0', b'"messageId":7'),
    *(rb'"\ud800":0', rb'"us\u0065rId":"u2"'),
)
_LEVELS: tuple[int, ...] = (*(20, 58, 60, 62, 64, 66, 200, 500), *range(960, 1000, 4), 3000, 5000)
"""Few, around the bound, and around and past what decoders follow."""

_NAMES = ("CONTENT_VIEW_STARTED", "CONTENT_VIEW_ENDED", "CONTENT_LOOKUP", "SURVEY_ANSWERED", "Odd")
_CALLS = ("identify", "alias", "merge", "page", "screen", "group")
_KEYS = ("userId", "type", "event", "properties", "messageId", "content", "timestamp", "", "é", "0")
_PLAIN: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e300, 2**53, 2**64, -(2**70), "", " ", "x", "u" * 600),
    *("ada@example.org", "198.51.100.7", "2001:db8::7", "+49 30 1234567", "mail ada%40example.org"),
    *([], {}, [[]], [None], {"id": None}, {"id": {"id": 1}}, [{"content_id": "a"}] * 3),
    *(
        "2025-13-45",
        "2025-11-24T10:00:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1e3",
        "inf",
        "nan",
    ),
)
_PLACE = "@{}@"


def event(dice: Random, message_id: str) -> dict[str, Any]:
    """An event that every field is right in."""
    happened = NOW_MS - dice.randrange(DAY_MS)
    whole: dict[str, Any] = {
        "type": dice.choice(("track", "track", *_CALLS)),
        "userId": dice.choice(("ada", "Zoë", "日本", "a{b}", 17)),
        "anonymousId": "0d3f3c8e-6a0a-4f7e-9c51-3c1d4a1c2b7e",
        "messageId": message_id,
        "originalTimestamp": happened,
        "context": {"sessionId": 1732435200123, "traits": {"age": 44}, "locale": "de-DE"},
        "integrations": {"All": True},
    }
    if dice.random() < 0.5:
        whole["timestamp"] = happened + MINUTE_MS
    if whole["type"] == "track":
        whole |= {"event": dice.choice(_NAMES), "properties": _properties(dice)}
    elif whole["type"] == "merge":
        whole["mergeProperties"] = [{"type": "userId", "value": "b"}, {"type": "email"}]
    else:
        whole |= {"traits": {"gender": "f", "age_group": ["youth"]}, "previousId": "before"}
    return whole


def encoded(whole: dict[str, Any]) -> bytes:
    """An event as it lies in a body."""
    return json.dumps(whole, ensure_ascii=False).encode()


def mutated(dice: Random, whole: dict[str, Any]) -> bytes:
    """An event in which some things are not as they should be."""
    pieces: list[bytes] = []
    for _ in range(dice.randint(1, 4)):
        node, key = dice.choice(list(_places(whole)))
        _change(dice, node, key, pieces)
    text = encoded(whole)
    for number, piece in enumerate(pieces):
        text = text.replace(f'"{_PLACE.format(number)}"'.encode(), piece)
    # A second value over one too deep to decode would hide it from one decoder of two.
    if dice.random() < 0.3 and not pieces and text != b"{}":
        text = text[:-1] + b"," + dice.choice(_DOUBLES) + b"}"
    return text


def no_event(dice: Random) -> bytes:
    """An element that is no object, or one with nothing in it."""
    if dice.random() < 0.3:
        return _nested(dice)
    if dice.random() < 0.5:
        return dice.choice(_PIECES)
    return json.dumps(dice.choice(_PLAIN)).encode()


def _properties(dice: Random) -> dict[str, Any]:
    item = f"content_{dice.randrange(5)}"
    return {
        "content": dice.choice((item, {"content_id": item}, {"id": 7}, [item, {"id": "other"}])),
        "context": {"candidates": ["a", "b", {"id": "c"}]},
        "details": {
            "reason": dice.choice(("next_button", "link", "?")),
            "dwell_seconds": dice.choice((12, 3.5, "20")),
            "rating": dice.randint(1, 5),
            "clicked_id": item,
        },
        "answers": dice.choice(
            (
                {"q:personalization_theme": "Hiding"},
                [{"question_id": "age", "answer": [30, 31.0]}, {"question_id": "gender"}],
            )
        ),
    }


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in an event with every key in it."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])


def _change(dice: Random, node: Any, key: Any, pieces: list[bytes]) -> None:
    if isinstance(node, list) and key >= len(node):  # an earlier change has shortened it
        return
    change = dice.randrange(7)
    if change == 0:
        node[key] = deepcopy(dice.choice(_PLAIN))  # it may be changed in turn
    elif change == 1:
        node.pop(key, None) if isinstance(node, dict) else node.pop(key)
    elif change == 2:
        node[key] = [node.get(key) if isinstance(node, dict) else node[key]] * dice.randrange(4)
    elif change == 3 and isinstance(node, dict):
        node[dice.choice(_KEYS)] = node.pop(key, None)
    else:
        deep = dice.random() < 0.1
        node[key] = _PLACE.format(len(pieces))
        pieces.append(_nested(dice) if deep else dice.choice(_PIECES))


def _nested(dice: Random) -> bytes:
    levels = dice.choice(_LEVELS)
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"\\"]":', b"}]")))
    return opening * levels + b"1" + closing * levels
