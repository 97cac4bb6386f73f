"""Whatever a visitor did: the changes that a history names make the model, and no event is lost."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import ModelConfig
from core.events import InteractionEvent, encode_member
from core.signals import Behavior, UserSignals
from core.telling.cursor import read_cursor
from core.telling.historian import ModelHistorian
from core.telling.history import HistoryEvent, ModelChange
from tests.build import MINUTE_MS, NOW_MS
from tests.laws.happenings import CONFIGS, STORE, basis_of, happenings, stored


async def all_pages(historian: ModelHistorian, limit: int) -> list[HistoryEvent]:
    """Every page, each asked for a while after the one before."""
    found: list[HistoryEvent] = []
    before, now_ms = None, NOW_MS
    while True:
        page = await historian.history("u1", limit=limit, before=before, now_ms=now_ms)
        assert page is not None
        assert len(page.page) <= limit
        assert page.at_ms == NOW_MS
        found += page.page
        assert len(found) <= page.events
        if page.next_before is None:
            assert len(found) == page.events
            return found
        before, now_ms = read_cursor(page.next_before), now_ms + MINUTE_MS


@given(events=happenings(), config=CONFIGS, limit=st.integers(1, 13))
@settings(deadline=None, max_examples=100)
async def test_the_changes_from_nothing_on_make_the_model(
    events: list[InteractionEvent], config: ModelConfig, limit: int
) -> None:
    basis = basis_of(config)
    model, source, models = await stored(events, basis)
    assert model is not None
    lines = await all_pages(ModelHistorian(source, models, STORE, basis), limit)
    made, wanted = _applied(line.change for line in reversed(lines)), _wanted(model)
    neutral = {item for item, (name, *_) in made["items"].items() if name == "neutral"}
    assert neutral == model.viewed.keys() - wanted["items"].keys()
    made["items"] = {item: made["items"][item] for item in made["items"].keys() - neutral}
    assert made == wanted
    for line in lines:
        assert line.changed_nothing == (line.change == ModelChange())


@given(events=happenings(), limit=st.integers(1, 5))
@settings(deadline=None, max_examples=100)
async def test_the_pages_hold_every_event_once_newest_first(
    events: list[InteractionEvent], limit: int
) -> None:
    basis = basis_of()
    model, source, models = await stored(events, basis)
    assert model is not None
    lines = await all_pages(ModelHistorian(source, models, STORE, basis), limit)
    assert len(lines) == len({encode_member(one) for one in events}) == model.window.events
    times = [line.time_ms for line in lines]
    assert times == sorted(times, reverse=True)
    told = {(one.message_id, one.kind, one.content_id, one.rating, one.strength) for one in lines}
    assert told == {
        (one.message_id, one.kind, one.content_id, one.rating, one.strength) for one in events
    }


def _applied(changes: Iterable[ModelChange]) -> dict[str, dict[str, Any]]:
    """What the changes make of nothing. Each starts from what the one before has left."""
    made: dict[str, dict[str, Any]] = {}
    for change in changes:
        for part in ModelChange.__struct_fields__:
            state = made.setdefault(part, {})
            for one in getattr(change, part):
                key, before, after = _key(one), _value(one.before), _value(one.after)
                assert state.pop(key, None) == before
                assert before != after
                if after is not None:
                    state[key] = after
    return made


def _key(change: Any) -> str:
    return str(getattr(change, change.__struct_fields__[0]))


def _value(state: Any) -> Any:
    """A rank is no part of what changes."""
    return (state.list, state.strength, state.count) if hasattr(state, "list") else state


def _wanted(model: UserSignals) -> dict[str, Any]:
    items: dict[str, tuple[str, float, float | None]] = {
        item: ("likes", strength, None) for item, strength in model.positives.items()
    }
    items |= {item: ("dislikes", strength, None) for item, strength in model.negatives.items()}
    items |= {item: ("unopened", s, count) for item, (count, s) in model.unopened.items()}
    nothing, behavior = Behavior(), model.behavior
    return {
        "items": items,
        "affinity": model.tag_affinity,
        "aversion": model.tag_aversion,
        "persona": model.demographics,
        "viewed": model.viewed,
        "figures": {
            name: getattr(behavior, name)
            for name in Behavior.__struct_fields__
            if getattr(behavior, name) != getattr(nothing, name)
        },
    }
