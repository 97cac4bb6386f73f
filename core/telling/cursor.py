"""Where a page of a visitor's history ended, as a text that the next request brings back."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from core.events import InteractionEvent, event_order
from core.modelling.observations import Members

_Order = tuple[int, bool, str, str]
_Moment = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last event of a page, and the moment that all pages are told at.

    Several events may share a millisecond, so the event's whole place in the
    order is kept, and a digest that tells it from others of the same place.
    """

    at_ms: _Moment
    order: _Order
    digest: str

    @classmethod
    def at(cls, at_ms: int, member: bytes, event: InteractionEvent) -> "Cursor":
        """The cursor of an event."""
        ts_ms, is_end, message_id, content_id = event_order(event)
        return cls(at_ms, (ts_ms, bool(is_end), message_id, content_id), _digest(member))

    def text(self) -> str:
        """What `read_cursor` reads."""
        return urlsafe_b64encode(_encoder.encode(self)).decode().rstrip("=")

    def end_in(self, members: Members) -> int:
        """How many of the events come before this one.

        The buffer drops its oldest events first: where this one is gone, so is
        all that came before it, except for what a late retry has moved.
        """
        ordered: Sequence[tuple[bytes, InteractionEvent]] = list(members.items())
        for index, (member, event) in enumerate(ordered):
            if event_order(event) == self.order and _digest(member) == self.digest:
                return index
        return sum(event_order(event) < self.order for event in members.values())


def read_cursor(text: str) -> Cursor:
    """The cursor that `text` was made from. Raises: ValueError."""
    try:
        return _decoder.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except msgspec.MsgspecError as exc:
        raise ValueError(str(exc)) from exc


def _digest(member: bytes) -> str:
    return hashlib.blake2b(member, digest_size=8).hexdigest()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Cursor)
