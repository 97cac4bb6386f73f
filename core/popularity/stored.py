"""`ViewCounts` as bytes: what is stored, in one piece, and read again in milliseconds."""

import zlib

import msgspec
import numpy as np

from core.popularity.views import DAYS, ViewCounts

FORMAT = 1
"""Part of the name under which they are stored: another form gets another name."""
POPULARITY_TTL_S = DAYS * 86_400
"""Views that nobody counts anew have all left the window by then."""
_QUICK = 1
"""Most of the numbers are zero: the quickest compression leaves a tenth."""


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    counted_at_ms: int
    first_day: int
    days: int
    visitors: int
    events: int
    ids: tuple[str, ...]
    views: bytes
    """32 bit, little-endian."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


def encode_counts(counts: ViewCounts) -> bytes:
    """The stored form."""
    stored = _Stored(
        counted_at_ms=counts.counted_at_ms,
        first_day=counts.first_day,
        days=counts.views.shape[1],
        visitors=counts.visitors,
        events=counts.events,
        ids=counts.ids,
        views=counts.views.astype("<i4", copy=False).tobytes(),
    )
    return zlib.compress(_encoder.encode(stored), _QUICK)


def decode_counts(raw: bytes) -> ViewCounts:
    """Read the stored form. Raises: ValueError where it is something else."""
    try:
        stored = _decoder.decode(zlib.decompress(raw))
    except (zlib.error, msgspec.DecodeError) as exc:
        raise ValueError(f"these are no counts of views: {exc}") from exc
    numbers = np.frombuffer(stored.views, dtype="<i4").astype(np.int32, copy=False)
    return ViewCounts(
        counted_at_ms=stored.counted_at_ms,
        first_day=stored.first_day,
        visitors=stored.visitors,
        events=stored.events,
        ids=stored.ids,
        views=numbers.reshape(len(stored.ids), stored.days),
    )
