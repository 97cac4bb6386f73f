"""What a visitor's consent does not cover is told as a withdrawal, and kept nowhere."""

from typing import Any

import msgspec
import pytest

from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.plan import ConsentRule
from tests.build import NOW_MS, PLAN, WINDOW_MS, normalize

PAGE = {"type": "page", "userId": "ada", "anonymousId": "phone", "messageId": "m1"}


def denied(*categories: Any, **more: Any) -> dict[str, Any]:
    return {"context": {"consentManagement": {"deniedConsentIds": list(categories), **more}}}


@pytest.mark.parametrize(
    "said",
    [
        denied("marketing", "personalisation"),
        denied("Personalization "),
        {"context": {"consentManagement": {"deniedConsentIds": {"custom": ["personalisation"]}}}},
        {"traits": {"personalisation_consent": False}},
        {"traits": {"personalisation_consent": "No"}},
        {"context": {"traits": {"personalization_consent": 0}}},
        {**denied("personalisation"), "type": "warp"},
        {**denied("personalisation"), "type": "track", "event": "CONTENT_VIEW_ENDED"},
    ],
)
def test_who_says_no_is_counted_and_not_kept(said: dict[str, Any]) -> None:
    found = normalize({**PAGE, **said}, {**PAGE, "messageId": "m2"})
    assert [one.message_id for one in found.events] == ["m2"]
    assert found.rejections == ()
    [withdrawal] = found.withdrawals
    assert withdrawal.user_ids == ("ada", "phone")
    assert withdrawal.ts_ms == NOW_MS


@pytest.mark.parametrize(
    "said",
    [
        {},
        denied("marketing"),
        denied(None, 7, "personal", [], {}),
        denied("marketing", allowedConsentIds=["something else"]),
        {"context": {"consentManagement": None}},
        {"context": {"consentManagement": "personalisation"}},
        {"context": {"consentManagement": {"deniedConsentIds": None}}},
        {"context": "denied"},
        {"traits": {"personalisation_consent": True}},
        {"traits": {"personalisation_consent": None}},
        {"traits": {"personalisation_consent": ["no"]}},
        {
            "traits": {"personalisation_consent": "yes"},
            "context": {"traits": {"personalisation_consent": "no"}},
        },
    ],
)
def test_whoever_does_not_say_no_is_kept(said: dict[str, Any]) -> None:
    found = normalize({**PAGE, **said})
    assert len(found.events) == 1
    assert found.withdrawals == ()


@pytest.mark.parametrize(
    ("consent", "kept"),
    [
        ({"allowedConsentIds": ["analytics"]}, 0),
        ({"allowedConsentIds": []}, 0),
        ({"allowedConsentIds": {"custom": ["analytics", "SUGGEST"]}}, 1),
        ({"deniedConsentIds": []}, 1),
    ],
)
def test_a_plan_may_ask_for_a_yes(consent: dict[str, Any], kept: int) -> None:
    rule = ConsentRule(categories=frozenset({"suggest"}), must_be_allowed=True)
    plan = msgspec.structs.replace(PLAN, consent=rule)
    body = msgspec.json.encode({**PAGE, "context": {"consentManagement": consent}})
    found = normalize_events(body, EventMapper(plan), arrived_ms=NOW_MS, window_ms=WINDOW_MS)
    assert (len(found.events), len(found.withdrawals)) == (kept, 1 - kept)


def test_a_withdrawal_names_every_id_that_its_event_does() -> None:
    alias = {"type": "alias", "userId": "ada", "previousId": 7, "anonymousId": "phone"}
    found = normalize({**alias, **denied("personalisation")})
    assert found.withdrawals[0].user_ids == ("ada", "phone", "7")
    assert found.claims == ()


def test_who_says_no_without_an_id_is_counted() -> None:
    found = normalize({"type": "page", **denied("personalisation")})
    assert (found.withdrawals[0].user_ids, found.rejections) == ((), ())
