"""What RudderStack sends of a visitor, with a marked secret wherever it has a place for one."""

import json
from typing import Any

from tests.end_to_end.client import track
from tests.secrets.marks import Marks

_ITEM = "lidice-children"


def identify(marks: Marks, user_id: str, **more: Any) -> dict[str, Any]:
    """An identify with all that the SDKs gather without being asked."""
    return {
        **track(user_id, "unused"),
        "type": "identify",
        "rudderId": marks.word("rudderId"),
        "request_ip": marks.address("request_ip"),
        "traits": _traits(marks, "traits") | {"province": marks.phone("province"), "age": "44"},
        "context": _context(marks),
        "integrations": {marks.word("integration"): True},
        **more,
    }


def view(marks: Marks, user_id: str, **more: Any) -> dict[str, Any]:
    """A view whose ids and texts are somebody's."""
    return {
        **track(
            user_id,
            "CONTENT_VIEW_ENDED",
            content={"content_id": f"content_{_ITEM}", "note": marks.word("properties")},
            details={
                "reason": "next_button",
                "dwell_seconds": 30,
                "request_id": marks.mail("request_id"),
                "comment": f"call {marks.phone('comment')} or write to {marks.mail('comment')}",
            },
            session_id=f"session of {marks.address('session_id')}",
            candidates=[marks.mail("candidate"), marks.address("candidate")],
            answers={"q:nationality": f"ask {marks.mail('answer')}"},
        ),
        "messageId": marks.mail("message_id"),
        "request_ip": marks.address6("request_ip6"),
        "context": _context(marks),
        **more,
    }


def unplanned(marks: Marks, user_id: str) -> dict[str, Any]:
    """An event that no plan names, and whose name is a free text."""
    name = f"{marks.word('event_name')} of {marks.mail('event_name')}"
    return track(user_id, name, text=marks.word("unplanned"))


def unusable(marks: Marks, user_id: str) -> list[dict[str, Any]]:
    """Events for the dead letters."""
    merged = [{"type": "email", "value": marks.mail("merged")}]
    return [
        identify(marks, user_id, type="unheard of"),
        view(marks, user_id, type=marks.mail("type")),
        view(marks, "", anonymousId="", type="merge", mergeProperties=merged),
        view(marks, user_id, properties={"content": {"text": marks.word("other_text")}}),
    ]


def malformed(marks: Marks) -> bytes:
    """A batch in which one event is nested deeper than anything, and one is none."""
    inside = '{"a":' * 3000 + json.dumps(marks.mail("deep")) + "}" * 3000
    address = marks.address("deep").replace(".", "\\u002e")
    deep = f'{{"type":"track","x":{inside},"ip":"{address}","name":"{marks.word("deep")}"}}'
    return f"[{deep},{json.dumps(marks.phone('no_object'))}]".encode()


def _traits(marks: Marks, where: str) -> dict[str, Any]:
    return {
        "email": marks.mail(where),
        "name": marks.word(f"{where}.name"),
        "phone": marks.phone(where),
        "address": {"street": marks.word(f"{where}.street")},
        "gender": "f",
    }


def _context(marks: Marks) -> dict[str, Any]:
    url = f"https://museum.example/?email={marks.mail('page')}"
    return {
        "ip": marks.address("context"),
        "userAgent": marks.word("userAgent"),
        "traits": _traits(marks, "context.traits"),
        "page": {"url": url, "title": marks.word("page.title")},
        "campaign": {"name": marks.word("campaign")},
        "location": {"city": marks.word("city")},
        "device": {"id": marks.word("device"), "token": marks.word("token")},
    }
