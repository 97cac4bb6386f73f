"""What a dead letter keeps of an event says the same as the event."""

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from core.normalizing.body import Malformed, split_body
from core.normalizing.depth import deeper_ones
from core.normalizing.minimal import MinimalEvents
from core.normalizing.reasons import NormalizedBatch
from tests.build import MAPPER, PLAN, normalize
from tests.laws.fuzz_events import event, mutated, no_event

MINIMAL = MinimalEvents(PLAN)
_FROM_CONTENT = "content-"


@settings(deadline=None, max_examples=200)
@given(dice=st.randoms(use_true_random=False))
def test_an_event_without_what_nobody_reads_is_the_same_to_the_plan(dice: Random) -> None:
    for number in range(10):
        whole = decoded(mutated(dice, event(dice, f"m{number}")))
        again = MINIMAL.of(whole)
        assert MINIMAL.of(again) == again
        assert said(normalize(again)) == said(normalize(whole))


@given(dice=st.randoms(use_true_random=False))
def test_nor_does_it_fail_over_what_is_no_event(dice: Random) -> None:
    one = decoded(no_event(dice))
    assert said(normalize(MINIMAL.of(one))) == said(normalize(one))


def decoded(raw: bytes) -> Any:
    """The event of a body, nothing where it is too deep: those are not reduced."""
    [one] = split_body(b"[" + raw + b"]").events
    is_deep = isinstance(one, Malformed) or deeper_ones(raw, [one], MAPPER.limits.max_depth)
    return {} if is_deep else one


def said(found: NormalizedBatch) -> NormalizedBatch:
    """All but the message ids that are digests of everything."""
    events = tuple(
        msgspec.structs.replace(one, message_id="")
        if one.message_id.startswith(_FROM_CONTENT)
        else one
        for one in found.events
    )
    return msgspec.structs.replace(found, events=events)
