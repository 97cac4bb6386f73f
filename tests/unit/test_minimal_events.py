"""What a rejected event leaves in its dead letter, and what of an event reaches the buffer."""

import json
from typing import Any

import msgspec

from core.events import encode_member
from core.normalizing.minimal import MinimalEvents
from core.plan import EventPlan, PlanPaths
from tests.build import PLAN, normalize

VIEW = {"type": "track", "userId": "u1", "messageId": "m1", "event": "CONTENT_VIEW_STARTED"}


def letter(**more: Any) -> Any:
    [rejection] = normalize({"type": "unheard of", "userId": "u1", **more}).rejections
    return json.loads(rejection.body)


def view(**properties: Any) -> Any:
    [event] = normalize({**VIEW, "properties": {"content": "1", **properties}}).events
    return event


def test_a_letter_keeps_of_an_event_only_what_a_plan_may_read() -> None:
    found = letter(
        rudderId="r",
        request_ip="198.51.100.7",
        integrations={"All": True},
        channel="web",
        timestamp=1,
        context={
            "ip": "198.51.100.7",
            "userAgent": "Firefox",
            "sessionId": 7,
            "page": {"url": "/"},
        },
    )
    assert found == {
        "type": "unheard of",
        "userId": "u1",
        "timestamp": 1,
        "context": {"sessionId": 7},
    }


def test_a_letter_keeps_the_properties_and_masks_what_looks_personal_in_them() -> None:
    found = letter(properties={"note": "mail ada@example.org", "list": [{"n": 1, "t": "so"}]})
    assert found["properties"] == {"note": "mail <e-mail>", "list": [{"n": 1, "t": "so"}]}


def test_a_letter_keeps_the_traits_that_the_plan_names_in_either_place() -> None:
    traits = {"age": 44, "email": "ada@example.org", "personalisation_consent": "yes", "name": "A"}
    kept = {"age": 44, "personalisation_consent": "yes"}
    found = letter(traits=traits, context={"traits": traits})
    assert (found["traits"], found["context"]) == (kept, {"traits": kept})


def test_a_letter_keeps_what_consent_is_judged_by() -> None:
    consent = {"allowedConsentIds": ["a"], "deniedConsentIds": ["b"]}
    found = letter(context={"consentManagement": {**consent, "provider": "custom"}})
    assert found["context"] == {"consentManagement": consent}


def test_a_letter_keeps_the_ids_by_which_an_erased_person_is_found() -> None:
    ids = {"anonymousId": 7, "previousId": "bob@example.org"}
    merged = [{"type": "userId", "value": "c@example.org"}, {"type": "email", "value": "d@e.org"}]
    found = letter(**ids, mergeProperties=merged)
    assert found == {"type": "unheard of", "userId": "u1", **ids, "mergeProperties": merged[:1]}


def test_paths_through_lists_of_the_context_stay() -> None:
    paths = PlanPaths(content=("context.screens.item.id",), session=("context.screens.id",))
    minimal = MinimalEvents(EventPlan(name="own", paths=paths))
    screens = [{"id": 1, "item": {"id": 2, "x": 3}, "x": 4}, "text"]
    found = minimal.of({"context": {"screens": screens, "x": 5}})
    assert found == {"context": {"screens": [{"id": 1, "item": {"id": 2}}, "text"]}}


def test_the_name_of_an_event_that_the_plan_does_not_name_is_not_kept() -> None:
    [event] = normalize({**VIEW, "event": "Ada Lovelace was here"}).events
    assert b"Ada" not in encode_member(event)


def test_ids_that_look_personal_are_as_if_they_were_not_there() -> None:
    found = view(
        session_id="of 198.51.100.7",
        request_id="ada@example.org",
        candidates=["a", "ada@example.org", "198.51.100.7"],
    )
    assert (found.session_id, found.request_id, found.impressions) == (None, None, ("a",))
    [rejection] = normalize({**VIEW, "properties": {"content": "ada@example.org"}}).rejections
    assert rejection.reason == "no_content"


def test_a_message_id_that_looks_personal_gives_way_to_a_digest() -> None:
    event = {**VIEW, "type": "page", "messageId": "ada@example.org"}
    [first], [again] = normalize(event).events, normalize(event).events
    assert first.message_id == again.message_id
    assert first.message_id.startswith("content-")
    [rejection] = normalize({**event, "type": "unheard of"}).rejections
    assert rejection.message_id is None


def test_an_answer_that_looks_personal_says_nothing() -> None:
    traits = {"province": "+49 30 1234567", "nationality": ["Dutch", "ada@example.org"]}
    [event] = normalize({"type": "identify", "userId": "u1", "traits": traits}).events
    assert event.answers == {"nationality": ("Dutch",)}


def test_an_address_may_be_a_visitors_id_but_what_one_was_masked_with_may_not() -> None:
    [event] = normalize({"type": "page", "userId": "ada@example.org"}).events
    assert event.user_id == "ada@example.org"
    merged = [{"type": "userId", "value": one} for one in ("u1", "<e-mail>")]
    [event] = normalize({"type": "merge", "mergeProperties": merged[:1]}).events
    found = normalize({"type": "merge", "mergeProperties": merged})
    assert {claim.of for claim in found.claims} == {"u1"}
    assert normalize({"type": "merge", "mergeProperties": merged[1:]}).events == ()


def test_what_nobody_can_decode_is_masked_too() -> None:
    deep: Any = "ada@example.org"
    for _ in range(100):
        deep = [deep]
    too_deep, not_one = normalize(
        {**VIEW, "userId": "ada@example.org", "x": deep}, "call +49 30 1234567"
    ).rejections
    assert too_deep.reason == "too_deep"
    assert too_deep.body.count(b"ada@example.org") == 1
    assert b'"userId": "ada@example.org"' in too_deep.body
    assert not_one.body == b'"call <phone>"'


def test_every_field_of_an_event_is_known_here() -> None:
    """A new field of what is kept is to be thought of: may it hold anything personal?"""
    from core.events import InteractionEvent  # noqa: PLC0415

    assert {field.name for field in msgspec.structs.fields(InteractionEvent)} == {
        *("user_id", "ts_ms", "message_id", "kind", "name", "content_id", "session_id", "reason"),
        *("dwell_seconds", "request_id", "rating", "strength", "impressions", "answers"),
    }
    assert PLAN.events, "names that are kept are those of the plan"
