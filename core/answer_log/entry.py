"""What the log keeps: an answer with all that it was made from, and what visitors did.

Ids of visitors are kept as keyed hashes; what they typed or answered is not kept.
"""

import msgspec

from core.recommendation import ItemKind


class ShownItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a slate, in its order.

    Shape: `features` what each scorer said, in the order of the entry's.
    Units: `score` millionths.
    """

    content_id: str
    score: int
    kind: ItemKind
    generated_by: tuple[str, ...]
    features: tuple[float, ...]


class DrawnFrom(msgspec.Struct, frozen=True, kw_only=True):
    """How an explored slate was drawn, and from what.

    Shape: `candidates` (n,) all of them in their order, `scores` (n,) theirs before the
        draw; `values` (features, n) little-endian float32, what each scorer of the entry
        said of each.
    Units: `scores` millionths, `temperature` units of the score.
    """

    kind: str
    seed: int
    temperature: float
    candidates: tuple[str, ...]
    scores: tuple[int, ...]
    values: bytes = b""


class AnswerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was served.

    `user` is the hash of the person, `asked` that of the id that was asked for.
    `request` and `model` are JSON without any id of the visitor, `model` empty for
    a stranger. `digest` is of the whole answer, without that id, too. `features`
    names the scorers. Units: Unix milliseconds.
    """

    request_id: str
    endpoint: str
    served_at_ms: int
    at_ms: int
    user: str
    asked: str
    experiment: str | None = None
    variant: str | None = None
    strategy: str
    degraded: tuple[str, ...] = ()
    model_revision: int | None = None
    catalogue_version: str
    collective_version: str = ""
    config_version: str
    ranker_version: str = ""
    features: tuple[str, ...] = ()
    slate: tuple[ShownItem, ...]
    drawn_from: DrawnFrom | None = None
    request: bytes
    model: bytes = b""
    digest: str


class EventEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor did with items, under the hash of the id that the event came with.

    It happened at `ts_ms` and was stored at `recorded_ms`, maybe much later.

    Units: `ts_ms` and `recorded_ms` Unix milliseconds, `dwell_seconds` seconds, `rating` 1 to 5.
    """

    message_id: str
    user: str
    ts_ms: int
    recorded_ms: int
    kind: str
    content_id: str | None = None
    request_id: str | None = None
    session: str | None = None
    reason: str | None = None
    dwell_seconds: float | None = None
    rating: float | None = None
    strength: float | None = None
    impressions: tuple[str, ...] = ()
