"""Cuts a body into the bytes of its events without decoding it, however deep it is nested.

In a few passes over all bytes at once: a loop over the tokens of the largest
body would hold up a process for seconds.
"""

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_BOM = b"\xef\xbb\xbf"
_BATCH = re.compile(rb'"batch"\s*:\s*\[')


class _Structure(NamedTuple):
    """Of each byte: whether it is outside of strings, and how deep it lies, brackets counted in."""

    outside: npt.NDArray[np.bool_]
    depth: npt.NDArray[np.int32]


class _Cuts(NamedTuple):
    """The inside of the array of events, and where each of its elements ends."""

    inside: bytes
    ends: list[int]


def raw_events(body: bytes) -> list[bytes]:
    """The bytes of each event of a body, which should be JSON: else they are what they are."""
    inside, ends = _cut(body.removeprefix(_BOM))
    begins = [0, *(end + 1 for end in ends)]
    parts = (inside[begin:end].strip() for begin, end in zip(begins, ends, strict=False))
    return [part for part in parts if part]


def count_raw_events(body: bytes) -> int:
    """How many events those are, where there is one at all."""
    return len(_cut(body.removeprefix(_BOM)).ends)


def envelope(body: bytes) -> bytes:
    """What stands around the events of a body, its array empty; nothing around a bare event."""
    text = body.removeprefix(_BOM)
    inside, ends = _cut(text)
    return text[: len(text) - len(inside)] + inside[ends[-1] :]


def _cut(text: bytes) -> _Cuts:
    # As long as before, and every quote that is left opens or closes a string.
    plain = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    chars = np.frombuffer(plain, dtype=np.uint8)
    structure = _structure(chars)
    start = _opening(plain, structure)
    if start is None:
        return _Cuts(text, [len(text)])
    outside, depth = (part[start + 1 :] for part in structure)
    level = structure.depth[start]
    closed = np.flatnonzero(depth < level)
    end = int(closed[0]) if len(closed) else len(depth)
    commas = np.flatnonzero(outside & (depth == level) & (chars[start + 1 :] == ord(",")))
    return _Cuts(text[start + 1 :], [*commas[commas < end].tolist(), end])


def _structure(chars: npt.NDArray[np.uint8]) -> _Structure:
    # Only whether the number of quotes so far is even matters, so it may overflow.
    quotes = np.cumsum(chars == ord('"'), dtype=np.uint8)
    outside = quotes % 2 == 0
    opens = (chars == ord("[")) | (chars == ord("{"))
    closes = (chars == ord("]")) | (chars == ord("}"))
    steps = (opens & outside).astype(np.int8) - (closes & outside).astype(np.int8)
    return _Structure(outside, np.cumsum(steps, dtype=np.int32))


def _opening(plain: bytes, structure: _Structure) -> int | None:
    """Where the array of events starts, None for a single event."""
    start = len(plain) - len(plain.lstrip())
    if plain[start : start + 1] == b"[":
        return start
    found = None
    for match in _BATCH.finditer(plain):
        if structure.depth[match.start()] == 1:
            found = match.end() - 1  # of a key that stands twice, decoders take the last
    return found
