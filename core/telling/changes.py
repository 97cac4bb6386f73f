"""What lies between two models of one moment."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from core.content import Content
from core.modelling.build import ModelBasis, model_of
from core.modelling.observations import Members
from core.modelling.rounding import to_ten_thousandths
from core.signals import Behavior, SignalsWindow, UserSignals
from core.telling.history import (
    FigureChange,
    ItemChange,
    ItemState,
    ListName,
    ModelChange,
    MomentChange,
    TextChange,
    WeightChange,
)

V = TypeVar("V")

_NO_BEHAVIOR = Behavior()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and where every item stands in it, neutral ones too."""

    model: UserSignals
    items: Mapping[str, ItemState]


def told(
    members: Members, contents: Mapping[str, Content], basis: ModelBasis, *, now_ms: int
) -> Told:
    """The model of these events as it is at `now_ms`."""
    seen = basis.observe(members, contents, now_ms=now_ms)
    model = model_of("", seen, contents, basis.config, window=SignalsWindow())
    items = {
        item: ItemState(list="neutral", strength=to_ten_thousandths(strength))
        for item, strength in seen.strengths.items()
    }
    items |= _ranked("likes", model.positives) | _ranked("dislikes", model.negatives)
    items |= {
        item: ItemState(list="unopened", strength=strength, count=count)
        for item, (count, strength) in model.unopened.items()
    }
    return Told(model=model, items=items)


def change_between(before: Told, after: Told, contents: Mapping[str, Content]) -> ModelChange:
    """What an event changed, given the model without and the one with it."""
    old, new = before.model, after.model
    return ModelChange(
        items=tuple(_items(before.items, after.items, contents)),
        affinity=_weights(old.tag_affinity, new.tag_affinity),
        aversion=_weights(old.tag_aversion, new.tag_aversion),
        persona=tuple(
            TextChange(name=name, before=was, after=will)
            for name, was, will in _different(old.demographics, new.demographics)
        ),
        viewed=tuple(
            MomentChange(content_id=item, before=was, after=will)
            for item, was, will in _different(old.viewed, new.viewed)
        ),
        figures=tuple(
            FigureChange(name=name, before=was, after=will)
            for name, was, will in _different(_figures(old.behavior), _figures(new.behavior))
        ),
    )


def _figures(behavior: Behavior) -> dict[str, float]:
    """Those that say anything."""
    return {
        name: value
        for name in Behavior.__struct_fields__
        if (value := getattr(behavior, name)) != getattr(_NO_BEHAVIOR, name)
    }


def _ranked(name: ListName, strengths: Mapping[str, float]) -> dict[str, ItemState]:
    return {
        item: ItemState(list=name, strength=strength, rank=rank)
        for rank, (item, strength) in enumerate(strengths.items(), start=1)
    }


def _items(
    before: Mapping[str, ItemState], after: Mapping[str, ItemState], contents: Mapping[str, Content]
) -> Iterator[ItemChange]:
    for item, was, will in _different(before, after):
        if was is None or will is None or _own(was) != _own(will):
            content = contents.get(item)
            title = None if content is None else content.title
            yield ItemChange(content_id=item, title=title, before=was, after=will)


def _own(state: ItemState) -> tuple[str, float, float | None]:
    return (state.list, state.strength, state.count)


def _weights(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[WeightChange, ...]:
    return tuple(
        WeightChange(tag=tag, before=was, after=will)
        for tag, was, will in _different(before, after)
    )


def _different(
    before: Mapping[str, V], after: Mapping[str, V]
) -> Iterator[tuple[str, V | None, V | None]]:
    """The keys under which the two differ, in a fixed order."""
    if before == after:
        return
    for key in sorted(before.keys() | after.keys()):
        was, will = before.get(key), after.get(key)
        if was != will:
            yield key, was, will
