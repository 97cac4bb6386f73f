"""`Receipt`: what was erased, so that a person can be told."""

import msgspec


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much was found and removed, by the place where it lay."""

    events: int = 0
    models: int = 0
    links: int = 0
    due_marks: int = 0
    stream_events: int = 0
    dead_letters: int = 0
    log_rows: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in _PLACES})


_PLACES = Counts.__struct_fields__


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was kept of the ids is gone, and nothing of it comes back until then.

    `in_hand` is what a worker had just taken up and not finished: its events are
    dropped when it goes on, or when another one takes over from it.

    Units: Unix milliseconds.
    """

    user_id: str
    ids: tuple[str, ...]
    counts: Counts
    in_hand: int = 0
    erased_at_ms: int
    until_ms: int
