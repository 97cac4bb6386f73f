"""Parts a scorer's contribution among the tags that it comes from, so that the shares add up."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.columns import ContentRows
from core.explanation import TagShare
from core.ranking.fusion import MICRO
from core.tags import tag_key

_DECIMALS = 1e6


def tag_shares(
    items: ContentRows,
    profiles: Mapping[str, Mapping[str, float]],
    micros: Mapping[str, Sequence[int]],
) -> list[dict[str, tuple[TagShare, ...]]]:
    """Of each item by scorer the tags that it shares, those that decide most first.

    Shape: `profiles` from a scorer to the tags that it looks for, `micros` from it to
        the items' contributions in millionths.
    """
    columns = items.columns.tags
    tags, wanted = columns.of(items.rows), _by_number(profiles, columns.vocabulary)
    found: list[dict[str, list[_Shared]]] = [{} for _ in items.rows]
    # Weights are stored as float32, of which six decimals are what was written.
    weights = np.rint(tags.weights.astype(np.float64) * _DECIMALS) / _DECIMALS
    # One by one: of the few tags of a few items that is faster than arrays.
    entries = zip(tags.owners.tolist(), tags.ids.tolist(), weights.tolist(), strict=True)
    for owner, number, owned in entries:
        for scorer, name, weight in wanted.get(number, ()):
            if weight * owned > 0:
                shared = (-weight * owned, name, weight, owned)
                found[owner].setdefault(scorer, []).append(shared)
    return [
        {scorer: _shares(shared, micros[scorer][at]) for scorer, shared in own.items()}
        for at, own in enumerate(found)
    ]


_Shared = tuple[float, str, float, float]
"""The product of the weights below 0, so that the greatest comes first; the tag, and both."""


def _by_number(
    profiles: Mapping[str, Mapping[str, float]], vocabulary: Mapping[str, int]
) -> dict[int, list[tuple[str, str, float]]]:
    """Who looks for each of the catalogue's tags; of two spellings the last, as in scoring."""
    wanted: dict[int, list[tuple[str, str, float]]] = {}
    for scorer, profile in profiles.items():
        own = {tag_key(tag): (scorer, tag, weight) for tag, weight in profile.items()}
        for key, entry in own.items():
            if key in vocabulary:
                wanted.setdefault(vocabulary[key], []).append(entry)
    return wanted


def _shares(shared: list[_Shared], total: int) -> tuple[TagShare, ...]:
    shared.sort()
    parts = apportion(total, [-one[0] for one in shared])
    made = [
        TagShare(tag=tag, wanted=wanted, owned=owned, contribution=part / MICRO)
        for (_, tag, wanted, owned), part in zip(shared, parts, strict=True)
    ]
    return tuple(made)


def apportion(total: int, amounts: Sequence[float]) -> list[int]:
    """Whole shares of `total` in proportion to the amounts, by largest remainder.

    Amounts are above 0. The shares add up to the total, and each is off by less than 1.
    """
    if len(amounts) == 1:
        return [total]
    sign, size, every = (-1 if total < 0 else 1), abs(total), sum(amounts)
    quotas = [size * amount / every for amount in amounts]
    shares = [int(quota) for quota in quotas]
    left = size - sum(shares) if shares else 0
    if left:
        rests = [quota - share for quota, share in zip(quotas, shares, strict=True)]
        for at in sorted(range(len(rests)), key=rests.__getitem__, reverse=True)[:left]:
            shares[at] += 1
    return shares if sign > 0 else [-share for share in shares]
