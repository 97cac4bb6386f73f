"""How good lists of ten are: whether what came next is in them, how high, and how varied they are.

Whether one policy beats another is told by drawing users anew: events of one
user are no independent ones.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.vectors import Floats, GridMatrix, cosines

TOP = 10
_DRAWS = 1000
_INTERVAL = (2.5, 97.5)


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy answered.

    Shape: `users` and `targets` (n,), `shown` (n, 10) item numbers, -1 behind a
        shorter list.
    """

    users: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    shown: npt.NDArray[np.int64]

    @property
    def ranks(self) -> npt.NDArray[np.int64]:
        """The place of what came next, from 0; 10 where it is not in the list. Shape: (n,)."""
        hits = self.shown == self.targets[:, None]
        return np.where(hits.any(axis=1), hits.argmax(axis=1), TOP)

    @property
    def gains(self) -> Floats:
        """NDCG@10 of every list, of which one item is right. Shape: (n,)."""
        return discounted(self.ranks)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is reported of a policy; `low` and `high` are the interval of `ndcg`.

    Units: all in [0, 1]. `coverage` is the share of the catalogue that is ever shown.
    """

    events: int
    users: int
    hit_rate: float
    ndcg: float
    low: float
    high: float
    mrr: float
    coverage: float
    ild: float


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One policy's NDCG in units of another's, with the interval over users."""

    value: float
    low: float
    high: float


def discounted(ranks: npt.NDArray[np.int64]) -> Floats:
    """1 at the first place, less at each further one, 0 behind the tenth. Shape: (n,)."""
    return np.where(ranks < TOP, 1.0 / np.log2(ranks + 2.0), 0.0)


def figures(lists: Lists, vectors: GridMatrix) -> Figures:
    """Shape: `vectors` (items, dim) of the titles."""
    ranks, shown = lists.ranks, lists.shown
    low, high = _interval(lists.users, {"own": lists.gains}, "own", None)
    return Figures(
        events=len(ranks),
        users=len(np.unique(lists.users)),
        hit_rate=float((ranks < TOP).mean()),
        ndcg=float(lists.gains.mean()),
        low=low,
        high=high,
        mrr=float(np.where(ranks < TOP, 1.0 / (ranks + 1.0), 0.0).mean()),
        coverage=len(np.unique(shown[shown >= 0])) / len(vectors),
        ild=intra_list_distance(shown, vectors),
    )


def intra_list_distance(shown: npt.NDArray[np.int64], vectors: GridMatrix) -> float:
    """1 less the mean cosine of two items of a list, over lists of two or more."""
    distances = []
    for row in np.unique(shown, axis=0):
        own = row[row >= 0]
        if len(own) > 1:
            close = cosines(vectors[own], vectors[own])
            pairs = np.triu_indices(len(own), 1)
            distances.append(1.0 - float(close[pairs].mean()))
    return float(np.mean(distances)) if distances else 0.0


def ratio(one: Lists, other: Lists) -> Ratio:
    """Of the same questions. Raises: ValueError where they are not."""
    if not np.array_equal(one.targets, other.targets):
        raise ValueError("two policies can only be compared by what they were both asked")
    gains = {"one": one.gains, "other": other.gains}
    low, high = _interval(one.users, gains, "one", "other")
    value = float(one.gains.sum() / max(1e-12, other.gains.sum()))
    return Ratio(value=value, low=low, high=high)


def _interval(
    users: npt.NDArray[np.int64], gains: Mapping[str, Floats], of: str, by: str | None
) -> tuple[float, float]:
    """95 % of the means (or of the ratios of two) when users are drawn with replacement."""
    _, numbers = np.unique(users, return_inverse=True)
    counts = np.bincount(numbers).astype(np.float64)
    sums = {name: np.bincount(numbers, weights=each) for name, each in gains.items()}
    drawn = np.random.default_rng(1).integers(len(counts), size=(_DRAWS, len(counts)))
    below = counts if by is None else sums[by]
    shares = sums[of][drawn].sum(axis=1) / np.maximum(1e-12, below[drawn].sum(axis=1))
    low, high = np.percentile(shares, _INTERVAL)
    return float(low), float(high)


def padded(lists: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Lists of item numbers as rows of ten, -1 behind the shorter ones. Shape: (n, 10)."""
    rows = np.full((len(lists), TOP), -1, dtype=np.int64)
    for row, own in zip(rows, lists, strict=True):
        row[: min(TOP, len(own))] = own[:TOP]
    return rows
