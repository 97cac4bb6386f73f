"""The closed list of reasons for which an event can be rejected, and the result."""

from typing import Literal, get_args

import msgspec

from core.events import InteractionEvent
from core.identity.node import Claim

RejectReason = Literal[
    "malformed",
    "too_deep",
    "not_an_object",
    "no_type",
    "unknown_type",
    "no_user",
    "user_id_too_long",
    "no_name",
    "no_content",
]
REJECT_REASONS: tuple[str, ...] = get_args(RejectReason)


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One event that cannot be used.

    `body` is its JSON, for the dead letters; of one nested too deep its bytes
    as they came. `call_type` is what the path said of it, if it came alone.
    """

    reason: RejectReason
    message_id: str | None
    body: bytes
    call_type: str | None = None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor does not want to be personalized for, from this moment on or since.

    `user_ids` are all that the event names as theirs. Units: Unix milliseconds.
    """

    user_ids: tuple[str, ...]
    ts_ms: int


class NormalizedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request body. `expired` counts events older than the window.

    `claims` are what the events say about whose ids they are. Of those that a
    visitor's consent does not cover only the `withdrawals` are told.
    """

    events: tuple[InteractionEvent, ...]
    claims: tuple[Claim, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    rejections: tuple[Rejection, ...]
    expired: int


class UnusableEventError(Exception):
    """Carries a reason from the mapping of one event to its batch; never leaves it."""

    def __init__(self, reason: RejectReason) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason: RejectReason = reason
