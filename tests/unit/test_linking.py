"""What an identify, alias or merge says about ids, in every form seen."""

from typing import Any

import pytest

from tests.build import links, normalize

USER = {"type": "user_id", "value": "ada"}
PHONE = {"type": "anonymous_id", "value": "phone"}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "identify", "userId": "ada", "anonymousId": "phone"}, {("phone", "ada")}),
        ({"type": "identify", "userId": 7, "anonymousId": 8.0}, {("8", "7")}),
        ({"type": "identify", "anonymousId": "phone"}, set()),
        ({"type": "identify", "userId": "ada"}, set()),
        ({"type": "identify", "userId": "ada", "anonymousId": "ada"}, set()),
        ({"type": "identify", "userId": "ada", "anonymousId": {"id": 1}}, set()),
        ({"type": "track", "event": "x", "userId": "ada", "anonymousId": "phone"}, set()),
        ({"type": "alias", "userId": "ada", "previousId": "old"}, {("old", "ada")}),
        (
            {"type": "alias", "userId": "ada", "previousId": "old", "anonymousId": "phone"},
            {("old", "ada"), ("phone", "ada")},
        ),
        ({"type": "alias", "userId": "ada", "previousId": None}, set()),
        ({"type": "alias", "anonymousId": "phone", "previousId": "ada"}, {("phone", "ada")}),
        ({"type": "merge", "mergeProperties": [USER, PHONE]}, {("phone", "ada")}),
        ({"type": "merge", "mergeProperties": [PHONE, USER]}, {("phone", "ada")}),
        (
            {"type": "merge", "userId": "bob", "mergeProperties": [USER, PHONE]},
            {("ada", "bob"), ("phone", "bob")},
        ),
        ({"type": "merge", "userId": "ada", "mergeProperties": "none"}, set()),
        (
            {
                "type": "merge",
                "userId": "ada",
                "mergeProperties": [{"type": "email", "value": "x"}],
            },
            set(),
        ),
    ],
)
def test_a_call_links_the_ids_that_it_names(event: dict[str, Any], expected: set[Any]) -> None:
    found = normalize(event)
    assert not found.rejections
    assert links(found) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "identify", "userId": "ada"}, {"ada"}),
        ({"type": "identify", "anonymousId": "phone"}, set()),
        ({"type": "alias", "userId": "ada", "previousId": "old"}, {"ada"}),
        ({"type": "merge", "mergeProperties": [USER, PHONE]}, {"ada"}),
        ({"type": "track", "event": "x", "userId": "ada"}, set()),
    ],
)
def test_who_is_identified_is_a_person(event: dict[str, Any], expected: set[str]) -> None:
    assert {one.of for one in normalize(event).claims if one.of == one.person} == expected


def test_a_link_that_is_older_than_the_window_is_left_out_with_its_event() -> None:
    old = {"type": "identify", "userId": "ada", "anonymousId": "phone", "timestamp": "1999-01-01"}
    found = normalize(old)
    assert (found.expired, found.claims) == (1, ())
