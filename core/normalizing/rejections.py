"""Collects what a body holds that cannot be used, with the bytes that a dead letter keeps."""

from functools import cached_property
from typing import Any

import msgspec

from core.normalizing.body import Body, Malformed
from core.normalizing.elements import raw_events
from core.normalizing.ids import text_id
from core.normalizing.reasons import Rejection, RejectReason

_DETERMINISTIC = msgspec.json.Encoder(order="deterministic")


class Rejections:
    """The rejections of one body, in the order of its events."""

    def __init__(self, body: bytes, request: Body, max_id_chars: int) -> None:
        """Nothing is rejected yet."""
        self.found: list[Rejection] = []
        self._body = body
        self._events = request.events
        self._max_id_chars = max_id_chars

    def add(self, reason: RejectReason, index: int, call_type: str | None) -> None:
        """Reject an event by its place in the body; `call_type` is what the path said of it."""
        event = self._events[index]
        rejection = Rejection(
            reason=reason,
            message_id=given_message_id(event, self._max_id_chars),
            body=self._bytes_of(reason, index),
            call_type=call_type,
        )
        self.found.append(rejection)

    def _bytes_of(self, reason: RejectReason, index: int) -> bytes:
        event = self._events[index]
        if isinstance(event, Malformed):
            return event.raw
        if reason == "too_deep" and index < len(self._originals):
            return self._originals[index]
        try:
            return _DETERMINISTIC.encode(event)
        except RecursionError:
            return b""  # nobody honest writes the key of the batch twice, or so deep

    @cached_property
    def _originals(self) -> list[bytes]:
        """Every event as it came; none where a look at the bytes finds other events."""
        originals = raw_events(self._body)
        return originals if len(originals) == len(self._events) else []


def given_message_id(event: Any, max_chars: int) -> str | None:
    """The sender's id of an event, in newer and older spelling, no longer than it may be."""
    if isinstance(event, dict):
        for name in ("messageId", "message_id"):
            if given := text_id(event.get(name)):
                return given[:max_chars]
    return None
