"""The plan and the load of a chaos run: reproducible, of every kind, and as bad as they say."""

import json
from time import time

import pytest

from core.normalizing.body import count_events
from core.normalizing.normalize import normalize_events
from tests.build import MAPPER, NOW_MS, WINDOW_MS
from tests.chaos.audience import Audience
from tests.chaos.plan import KINDS, LEASE_S, LEAST_SECONDS, draw_plan
from tests.chaos.poison import ODDITIES, POISONS, oddity

ITEMS = [f"item-{number}" for number in range(9)]
GOOD = b'{"type":"page","userId":"u1"}'


def test_a_seed_gives_one_plan_and_another_seed_another() -> None:
    assert draw_plan(7, seconds=60, shards=2) == draw_plan(7, seconds=60, shards=2)
    assert draw_plan(7, seconds=60, shards=2) != draw_plan(8, seconds=60, shards=2)


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_fault_is_in_the_shortest_plan(seed: int) -> None:
    plan = draw_plan(seed, seconds=LEAST_SECONDS, shards=2)
    in_storm = {fault.kind for fault in plan.storm}
    assert in_storm | {fault.kind for fault in plan.finale} == set(KINDS)
    assert len(in_storm) == len(KINDS) - 2
    assert {"worker_frozen", "worker_stalled"} <= {fault.kind for fault in plan.finale}
    assert plan.finale[0].at_s > plan.storm[-1].at_s


@pytest.mark.parametrize("seed", range(20))
def test_a_finale_begins_without_groups_and_ends_with_one_worker(seed: int) -> None:
    first, *others = draw_plan(seed, seconds=60, shards=2).finale
    assert (first.kind, first.victims) == ("groups_destroyed", ("0", "1"))
    assert [fault.kind for fault in others if "destroyed" in fault.kind] == []
    assert [fault.kind for fault in others if "gone" in fault.kind] == [others[-1].kind]


def test_a_stall_is_shorter_and_a_freeze_longer_than_a_lease() -> None:
    plan = draw_plan(1, seconds=300, shards=2)
    assert all(one.lasts_s < LEASE_S for one in plan.storm if one.kind == "worker_stalled")
    assert all(one.lasts_s > LEASE_S for one in plan.storm if one.kind == "worker_frozen")


@pytest.mark.parametrize("kind", POISONS)
def test_poison_is_accepted_rejected_for_its_reason_and_harms_nobody(kind: str) -> None:
    poison = POISONS[kind]
    body = b"[" + b",".join([GOOD, poison.elements("token"), GOOD]) + b"]"
    assert count_events(body, limit=1000) > 0, "the webhook accepts it"
    found = normalize_events(body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS)
    assert tuple(one.reason for one in found.rejections) == poison.reasons
    assert [one.user_id for one in found.events] == ["u1", "u1"]
    assert all(b"token" in one.body for one in found.rejections)


@pytest.mark.parametrize("number", range(ODDITIES))
def test_an_oddity_is_no_strict_json_or_nearly_none_and_counts(number: int) -> None:
    body = oddity(GOOD, number)
    assert count_events(body, limit=1000) == 1
    found = normalize_events(body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS)
    assert ([one.user_id for one in found.events], found.rejections) == (["u1"], ())


def test_everything_that_visitors_do_is_usable_and_at_a_time_of_its_own() -> None:
    audience, now_s = Audience(3, ITEMS), time()
    events = [audience.event(now_s) for _ in range(500)]
    body = b"[" + b",".join(events) + b"]"
    early = normalize_events(body, MAPPER, arrived_ms=round(now_s * 1000), window_ms=WINDOW_MS)
    late = normalize_events(
        body, MAPPER, arrived_ms=round(now_s * 1000) + 3_600_000, window_ms=WINDOW_MS
    )
    assert (early.rejections, early.expired, len(early.events)) == ((), 0, 500)
    assert early.events == late.events, "when they arrive makes no difference"
    assert len({json.loads(one)["messageId"] for one in events}) == 500


def test_an_audience_that_has_changed_is_not_heard_of_again() -> None:
    audience = Audience(3, ITEMS)
    before = {audience.visitor() for _ in range(500)}
    audience.change()
    assert before.isdisjoint(audience.visitor() for _ in range(500))
