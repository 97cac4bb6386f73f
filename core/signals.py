"""`UserSignals`: the materialized model of one visitor, as it is stored and answered."""

from collections.abc import Mapping
from typing import Any

import msgspec

from core.vectors import unpack

_RECENT_VIEWS = 20


class Behavior(msgspec.Struct, frozen=True, kw_only=True):
    """How the visitor reads. Rates are over what was observed, None where nothing was."""

    views: int = 0
    items: int = 0
    searches: int = 0
    surveys: int = 0
    interactions: int = 0
    impressions: int = 0
    average_dwell_ratio: float | None = None
    completion_rate: float | None = None
    revisit_rate: float | None = None


class SignalsWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The events a model was built from. `digest` changes with any of them."""

    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    digest: str = ""


class UserSignals(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a visitor, ready to rank with.

    Shape: `positives` and `negatives` from content id to a decayed strength;
        `unopened` from the id of an item that was shown and never opened to the
        decayed number of showings and its soft strength; `viewed` from content
        id to the last view, newest first; `tag_affinity` and `tag_aversion`
        from `facet:label` to [0, 1], strongest first; vectors base64 float16,
        empty where unknown.
    Units: times in Unix milliseconds; strengths decayed to `built_at_ms`.

    `revision` and `built_at_ms` come first: the store reads them from the head
    of the JSON text.
    """

    revision: int = 0
    built_at_ms: int = 0
    user_id: str
    positives: Mapping[str, float] = {}
    negatives: Mapping[str, float] = {}
    unopened: Mapping[str, tuple[float, float]] = {}
    viewed: Mapping[str, int] = {}
    tag_affinity: Mapping[str, float] = {}
    tag_aversion: Mapping[str, float] = {}
    taste_vector: str = ""
    recency_vector: str = ""
    vector_space: str = ""
    behavior: Behavior = Behavior()
    demographics: Mapping[str, str] = {}
    window: SignalsWindow = SignalsWindow()
    config_version: str = ""
    catalogue_version: str = ""

    @property
    def is_cold(self) -> bool:
        """Whether nothing is known to be liked."""
        return not self.positives

    def in_space(self, vector_space: str) -> "UserSignals":
        """The model without its vectors, if they are of another space than the catalogue's."""
        if self.vector_space == vector_space:
            return self
        return msgspec.structs.replace(self, taste_vector="", recency_vector="")

    def as_json(self) -> dict[str, Any]:
        """The model as an API answers it: whole, and vectors as lists of four-digit floats."""
        shown: dict[str, Any] = msgspec.to_builtins(self)
        del shown["unopened"]
        for name in ("taste_vector", "recency_vector"):
            shown[name] = [round(float(value), 4) for value in unpack(shown[name])]
        soft = {item: strength for item, (_, strength) in self.unopened.items()}
        return shown | {
            "negatives": dict(self.negatives) | soft,
            "impressions": {item: count for item, (count, _) in self.unopened.items()},
            "recent_views": list(self.viewed)[:_RECENT_VIEWS],
        }


_DECODER = msgspec.json.Decoder(UserSignals)


def encode_signals(signals: UserSignals) -> bytes:
    """The stored form of a model."""
    return msgspec.json.encode(signals)


def decode_signals(raw: bytes) -> UserSignals:
    """Read a stored model. Raises: msgspec.DecodeError if it is not one."""
    return _DECODER.decode(raw)


def comparable(signals: UserSignals) -> bytes:
    """The bytes in which two rebuilds of one window agree at the same `now`."""
    return encode_signals(msgspec.structs.replace(signals, revision=0, built_at_ms=0))
