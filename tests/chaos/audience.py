"""The visitors of a chaos run and what they do.

In the middle of every fault the whole audience changes, and whoever came before
is not heard of again: nothing that comes later mends what the fault did to them.
"""

from collections.abc import Sequence
from random import Random
from time import gmtime, strftime
from typing import Any

import msgspec

_VISITORS = 30
_DEVICES = 40
_KIOSK = 0
"""This one of the devices is used by everybody."""
_REASONS = ("next_button", "link", "close_button", "abandon")
_DAY_S = 86_400
_OLDEST_S = 20 * _DAY_S
"""Well inside the window, whatever the run's length."""
_LEAST_AGE_S = 5


class Audience:
    """Visitors who come, do things and are replaced."""

    def __init__(self, seed: int, items: Sequence[str]) -> None:
        """`items` are what they open, read and rate."""
        self._random = Random(f"audience {seed}")  # noqa: S311 - reproducible, not secret
        self._items = items
        self._number = 0
        self._events = 0

    def change(self) -> None:
        """Others come; those who were here are gone for good."""
        self._number += 1

    def visitor(self) -> str:
        """One who is here."""
        name = f"visitor-{self._number}-{self._random.randrange(_VISITORS)}"
        # Ids in the wild: text, braces that would be a key's hash tag, an e-mail address.
        return name if self._random.random() < 0.9 else f"{{{name}}}@example.org"

    def device(self) -> str:
        """What somebody holds who is here, or the kiosk."""
        number = self._random.randrange(_DEVICES) if self._random.random() < 0.8 else _KIOSK
        return f"device-{self._number}-{number}"

    def own_device(self) -> str:
        """What one of them holds: the kiosk is nobody's to erase."""
        return f"device-{self._number}-{self._random.randrange(_KIOSK + 1, _DEVICES)}"

    def event(self, now_s: float) -> bytes:
        """One thing that somebody does; most of them just now, some long ago."""
        self._events += 1
        age_s = self._random.choice([_LEAST_AGE_S, 60, 3600, _OLDEST_S])
        happened_s = now_s - self._random.uniform(_LEAST_AGE_S, age_s + 1)
        event = (
            self._who()
            | self._done()
            | {
                "messageId": f"message-{self._events}",
                "timestamp": strftime("%Y-%m-%dT%H:%M:%S", gmtime(happened_s)) + ".000Z",
            }
        )
        return msgspec.json.encode(event)

    def _who(self) -> dict[str, str]:
        if self._random.random() < 0.3:
            return {"anonymousId": self.device()}
        return {"userId": self.visitor()}

    def _done(self) -> dict[str, Any]:
        draw = self._random
        item, *shown = (f"content_{item}" for item in draw.sample(self._items, 5))
        content = {"content_id": item}
        kind = draw.randrange(10)
        if kind == 0:
            return {
                "type": "identify",
                "userId": self.visitor(),
                "anonymousId": self.device(),
                "traits": {"age": draw.randrange(9, 90)},
            }
        if kind == 1:
            return self._said_on_purpose()
        if kind == 2:
            return _track(
                "SURVEY_ANSWERED", content=content, details={"rating": draw.randint(1, 5)}
            )
        if kind == 3:
            return _track("CONTENT_LOOKUP", details={"clicked_id": item})
        if kind < 6:
            return _track("CONTENT_VIEW_STARTED", content=content, context={"candidates": shown})
        details = {"reason": draw.choice(_REASONS), "dwell_seconds": draw.randrange(90)}
        return _track("CONTENT_VIEW_ENDED", content=content, details=details)

    def _said_on_purpose(self) -> dict[str, Any]:
        kind = self._random.randrange(4)
        if kind == 0:
            return {"type": "alias", "userId": self.visitor(), "previousId": self.device()}
        if kind == 1:
            named = [("user_id", self.visitor()), ("anonymous_id", self.device())]
            properties = [{"type": name, "value": value} for name, value in named]
            return {
                "type": "merge",
                "userId": properties[0]["value"],
                "mergeProperties": properties,
            }
        return {"type": "page"}


def _track(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": properties}
