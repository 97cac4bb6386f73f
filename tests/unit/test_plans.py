"""Event plans: the default, a shop's that needs no code, and files that cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.plans.toml import bundled_plans, read_plan
from core.config import ModelConfig
from core.errors import ConfigError
from core.events import InteractionEvent
from core.modelling.build import ModelBasis, build_user_signals
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from tests.build import NOW_MS, WINDOW_MS, content

SHOP = read_plan("shop")


def shop_events(*tracks: tuple[str, dict[str, Any]]) -> list[InteractionEvent]:
    batch = [
        {
            "type": "track",
            "event": name,
            "userId": "buyer",
            "messageId": f"m{n}",
            "properties": given,
        }
        for n, (name, given) in enumerate(tracks)
    ]
    body = json.dumps(batch).encode()
    found = normalize_events(body, EventMapper(SHOP), arrived_ms=NOW_MS, window_ms=WINDOW_MS)
    assert found.rejections == ()
    return list(found.events)


def test_a_shop_is_served_by_another_mapping_file_alone() -> None:
    events = shop_events(
        ("Product Viewed", {"product_id": "sku-1", "related": [{"sku": "sku-9"}]}),
        ("Product View Ended", {"product_id": "sku-1", "time_spent": 3}),
        ("Product Added", {"product_id": "sku-2"}),
        ("Product Removed", {"product_id": "sku-3"}),
        (
            "Order Completed",
            {"products": [{"product_id": "sku-4"}, {"sku": "x"}, {"product_id": 5}]},
        ),
        ("Product Reviewed", {"product_id": "sku-6", "rating": 1}),
        ("Coupon Entered", {"coupon": "secret"}),
    )
    contents = {one: content(one, tags=(f"category:C{one}",)) for one in "1234569"}
    basis = ModelBasis.of(SHOP, ModelConfig())
    signals = build_user_signals("buyer", events, contents, basis, now_ms=NOW_MS)
    assert signals.positives == {"4": 1.0, "5": 1.0, "2": 0.6}
    assert {item for item, strength in signals.negatives.items() if item in signals.viewed} == {
        "3",
        "6",
    }
    assert set(signals.unopened) == {"9"}
    assert signals.tag_affinity["category:C4"] == 1.0
    assert b"secret" not in repr(events).encode()


def test_an_order_is_one_event_for_each_product() -> None:
    events = shop_events(
        ("Order Completed", {"products": [{"product_id": "a"}, {"product_id": "b"}]})
    )
    assert [(event.content_id, event.message_id) for event in events] == [("a", "m0"), ("b", "m0")]


def test_the_bundled_plans_are_listed_and_readable() -> None:
    assert bundled_plans() == ["in_memorial", "shop"]
    assert read_plan("in_memorial").name == "in-memorial"


def test_paths_of_an_event_replace_the_general_ones_and_leave_the_rest() -> None:
    mapper = EventMapper(read_plan("in_memorial"))
    body = json.dumps(
        {
            "type": "track",
            "event": "CONTENT_LOOKUP",
            "userId": "u",
            "context": {"sessionId": 5},
            "properties": {"content": "not-the-click", "details": {"clicked_id": "content_1"}},
        }
    ).encode()
    [event] = normalize_events(body, mapper, arrived_ms=NOW_MS, window_ms=WINDOW_MS).events
    assert (event.content_id, event.session_id) == ("1", "5")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = 'x'\n[[events]]\nname = 'A'\nbecomes = 'flying'", "becomes"),
        ("name = 'x'\nunknown = 1", "unknown"),
        ("name = 'x'\n[paths]\ncontent = ['a..b']", "content"),
        ("name = 'x'\n[[events]]\nname = 'A'\nbecomes = 'search'\nstrength = 2", "strength"),
        ("not toml at all", "EVENT_PLAN"),
    ],
)
def test_a_plan_that_cannot_be_used_says_where(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        read_plan(str(path))


def test_a_plan_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match="in_memorial, shop"):
        read_plan("nowhere.toml")
