"""What PostHog is told: which items were shown, under which variant, and what was opened of them.

With the names that its users know: an experiment's exposure is a call of a
feature flag. Each has an id of its own that a retry keeps, so it counts once.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from core.answer_log.served import Served
from core.events import InteractionEvent

SHOWN = "recommendation_shown"
CLICKED = "recommendation_clicked"
READ = "recommendation_read"
_OUTCOMES = {"view_started": CLICKED, "view_ended": READ}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One event of PostHog."""

    event: str
    distinct_id: str
    timestamp: datetime
    uuid: UUID
    properties: dict[str, Any]


def exposures(endpoint: str, served: Served, *, served_at_ms: int) -> Iterator[Message]:
    """That a list was shown to a visitor, and that a variant was, where there is one."""
    context, user_id = served.context, served.request.user_id
    if not user_id:
        return
    shared: dict[str, Any] = {"request_id": context.request_id}
    if context.experiment is not None:
        shared[f"$feature/{context.experiment}"] = context.variant
    items = [one.content_id for one in served.answer.items]
    shown = shared | {
        "endpoint": endpoint,
        "items": items,
        "strategy": served.answer.strategy,
        "explored": context.exploration is not None,
    }
    yield _message(SHOWN, user_id, served_at_ms, context.request_id, shown)
    if context.experiment is not None:
        flag = shared | {
            "$feature_flag": context.experiment,
            "$feature_flag_response": context.variant,
        }
        yield _message("$feature_flag_called", user_id, served_at_ms, context.request_id, flag)


def outcomes(events: Sequence[InteractionEvent]) -> Iterator[Message]:
    """What was done with items of answers: of events that name the answer."""
    for event in events:
        name = _OUTCOMES.get(event.kind)
        if name is None or not event.request_id or event.content_id is None:
            continue
        said = {
            "request_id": event.request_id,
            "content_id": event.content_id,
            "dwell_seconds": event.dwell_seconds,
            "reason": event.reason,
        }
        properties = {key: value for key, value in said.items() if value is not None}
        yield _message(name, event.user_id, event.ts_ms, event.message_id, properties)


def _message(
    event: str, distinct_id: str, at_ms: int, about: str, properties: dict[str, Any]
) -> Message:
    return Message(
        event=event,
        distinct_id=distinct_id,
        timestamp=datetime.fromtimestamp(at_ms / 1000, UTC),
        uuid=uuid5(NAMESPACE_OID, f"{event}:{about}"),
        # The app's own events make the person; these only say what was shown.
        properties=properties | {"$process_person_profile": False},
    )
