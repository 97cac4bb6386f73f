"""Compares what was answered with 200 with what is there."""

from collections.abc import Sequence
from functools import cache

import msgspec

from adapters.contents import open_content_store
from adapters.plans.toml import read_plan
from adapters.settings import SharedSettings
from core.events import InteractionEvent
from core.modelling.build import ModelBasis, build_user_signals
from core.modelling.observations import mentioned_items
from core.ports import ContentStore
from core.signals import UserSignals, comparable
from tests.chaos.evidence import Found
from tests.chaos.ledger import Letter, Request, StoredEvent, Trace

Traces = Sequence[tuple[Request, list[Trace]]]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome. `never_sent`: what is there and was in no request."""

    accepted: int
    applied: int
    duplicates: int
    dead_lettered: int
    lost: tuple[str, ...]
    model_differences: tuple[str, ...]
    never_sent: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"accepted={self.accepted} applied={self.applied} duplicates={self.duplicates} "
            f"dead_lettered={self.dead_lettered} lost={len(self.lost)} "
            f"model_differences={len(self.model_differences)}"
        )

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.model_differences or self.never_sent)


@cache
def defaults() -> tuple[ContentStore, ModelBasis]:
    """The catalogue and the basis of models of processes that nobody has configured."""
    settings = SharedSettings()
    basis = ModelBasis.of(read_plan(settings.event_plan), settings.model)
    return open_content_store(settings), basis


async def judge(traces: Traces, found: Found, *, duplicates: int) -> Verdict:
    """Compare traces with what was found; models with what their buffers give now."""
    there = _present(found)
    sent = {trace for _, left in traces for trace in left}
    accepted: dict[Trace, Request] = {}
    for request, left in traces:
        if request.answered_s is not None:
            accepted.update(dict.fromkeys(left, request))
    kept = accepted.keys() & there
    return Verdict(
        accepted=len(accepted),
        applied=sum(isinstance(trace, StoredEvent) for trace in kept),
        duplicates=duplicates,
        dead_lettered=sum(isinstance(trace, Letter) for trace in kept),
        lost=tuple(
            f"{trace} -- {request}" for trace, request in accepted.items() if trace not in there
        ),
        model_differences=await _model_differences(found),
        never_sent=(*found.unknown_keys, *(str(trace) for trace in there - sent)),
    )


def _present(found: Found) -> set[Trace]:
    stored = {StoredEvent.of(event) for events in found.buffers.values() for event in events}
    return {*stored, *found.letters}


async def _model_differences(found: Found) -> tuple[str, ...]:
    contents, basis = defaults()
    differences = []
    for user, events in found.buffers.items():
        model = found.models.get(user)
        if model is None:
            if events:
                differences.append(f"{user}: {len(events)} events and no model")
            continue
        expected = build_user_signals(
            user,
            events,
            await contents.get(sorted(mentioned_items(events))),
            basis,
            now_ms=model.built_at_ms,
            catalogue_version=contents.version,
            vector_space=contents.vector_space,
        )
        if comparable(model) != comparable(expected):
            differences.append(f"{user}: {_what_differs(model, expected, events)}")
    return tuple(differences)


def _what_differs(
    model: UserSignals, expected: UserSignals, events: Sequence[InteractionEvent]
) -> str:
    names = [
        name
        for name in UserSignals.__struct_fields__
        if name not in ("revision", "built_at_ms")
        and getattr(model, name) != getattr(expected, name)
    ]
    return (
        f"{', '.join(names) or 'the bytes'}; built at {model.built_at_ms} from "
        f"{model.window.events} of {len(events)} events"
    )
