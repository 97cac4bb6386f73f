"""A seeded draw: the k-th of a shuffled row of n, without shuffling it.

Four rounds of a Feistel network permute the squares of a board that has just
room for n; whoever wants the first 100 of the shuffle computes 100 squares.
Source: M. Luby, C. Rackoff, "How to Construct Pseudorandom Permutations from
    Pseudorandom Functions", SIAM J. Comput. 17(2), 1988.
"""

from collections.abc import Callable
from math import isqrt

import numpy as np

from core.ragged import Rows

_ROUNDS = 4
_WORD = 2**64
_STEP = 0x9E3779B97F4A7C15
_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_HALF = np.uint64(32)


def drawn(count: int, limit: int, seed: int, keep: Callable[[Rows], Rows]) -> Rows:
    """The first `limit` of the shuffle that `keep` leaves; all of them where there are fewer.

    Shape: `keep` takes positions below `count` and gives some of them, in their order.
    """
    side = isqrt(max(0, count - 1)) + 1
    found: list[Rows] = []
    begin, size, missing = 0, limit + limit // 8 + 16, limit
    while missing > 0 and begin < side * side:
        squares = _shuffled(np.arange(begin, min(begin + size, side * side)), side, seed)
        kept = keep(squares[squares < count])[:missing]
        found.append(kept)
        missing -= len(kept)
        begin, size = begin + size, size * 2
    return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)


def _shuffled(places: Rows, side: int, seed: int) -> Rows:
    board = np.uint64(side)
    left, right = np.divmod(places.astype(np.uint64), board)
    for turn in range(_ROUNDS):
        mixed = right + np.uint64((seed + (turn + 1) * _STEP) % _WORD)
        mixed *= _MULTIPLIER
        mixed ^= mixed >> _HALF
        mixed *= _MULTIPLIER
        mixed >>= _HALF
        mixed += left
        mixed %= board
        left, right = right, mixed
    left *= board
    left += right
    return left.astype(np.intp)
