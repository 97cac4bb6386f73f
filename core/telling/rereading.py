"""Reads the events of a stored model again, to say what its numbers come from."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from core.content import Content
from core.events import InteractionEvent
from core.modelling.build import ModelBasis, model_of, window_of
from core.modelling.interests import TagTrail
from core.modelling.observations import Members, Observations, distinct
from core.signals import UserSignals, comparable


class Rereading(msgspec.Struct, frozen=True, kw_only=True):
    """The events of a model's window, what they say, and the model that they give now.

    `newer` counts the events that are buffered but not in the stored model.
    """

    seen: Observations
    model: UserSignals
    interests: TagTrail
    aversions: TagTrail
    differs: tuple[str, ...]
    newer: int

    @property
    def matches(self) -> bool:
        """Whether the stored model comes out again."""
        return not self.differs


def reread(
    stored: UserSignals,
    events: Sequence[InteractionEvent],
    contents: Mapping[str, Content],
    basis: ModelBasis,
) -> Rereading:
    """Build the stored model again as of when it was built, from what is buffered now."""
    since_ms = stored.built_at_ms - basis.config.window_ms
    found = distinct(events, since_ms=since_ms)
    members = _members_of(stored, found)
    seen = basis.observe(members, contents, now_ms=stored.built_at_ms)
    interests, aversions = TagTrail(), TagTrail()
    model = msgspec.structs.replace(
        model_of(
            stored.user_id,
            seen,
            contents,
            basis.config,
            window=window_of(members),
            interests=interests,
            aversions=aversions,
        ),
        # Not numbers of the model but what it was made with; they are answered by themselves.
        vector_space=stored.vector_space,
        config_version=stored.config_version,
        catalogue_version=stored.catalogue_version,
    )
    return Rereading(
        seen=seen,
        model=model,
        interests=interests,
        aversions=aversions,
        differs=tuple(_differences(stored, model)),
        newer=_newer(stored, found, members),
    )


def _members_of(stored: UserSignals, found: Members) -> Members:
    """Those of the buffered events that the stored model was built from.

    They are the first so many. Where one came late the window's digest is
    another; then those up to its last moment are the nearest that is left.
    """
    window = stored.window
    first = dict(islice(found.items(), window.events))
    if window_of(first).digest == window.digest:
        return first
    last_ms = -1 if window.last_ms is None else window.last_ms
    return {member: event for member, event in found.items() if event.ts_ms <= last_ms}


def _newer(stored: UserSignals, found: Members, members: Members) -> int:
    """Later ones, and as many as there are more of than the model knows: late ones."""
    return max(len(found) - len(members), len(found) - stored.window.events)


def _differences(stored: UserSignals, model: UserSignals) -> Iterator[str]:
    if comparable(stored) == comparable(model):
        return
    for name in UserSignals.__struct_fields__:
        if name not in ("revision", "built_at_ms") and _text(stored, name) != _text(model, name):
            yield name


def _text(signals: UserSignals, name: str) -> bytes:
    """One part of a model as it is stored: the order of a mapping counts too."""
    return msgspec.json.encode(getattr(signals, name))
