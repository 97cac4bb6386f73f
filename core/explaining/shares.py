"""Parts a scorer's contribution among the tags that it comes from, so that the shares add up."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.columns import ContentRows, TagRows
from core.explaining.explanation import TagShare
from core.ranking.fusion import MICRO
from core.tags import tag_key

_WHOLE = 2**40
"""Products become whole numbers of this fraction: what is left over is then exact."""


def tag_shares(
    items: ContentRows, tags: TagRows, profile: Mapping[str, float], micros: Sequence[int]
) -> list[tuple[TagShare, ...]]:
    """Of each item the tags that it shares with the profile, those that decide most first.

    Shape: `tags` those of the items, `micros` their contributions in millionths.
    """
    vocabulary = items.columns.tags.vocabulary
    keys = {tag: tag_key(tag) for tag in profile}
    spelled = {vocabulary[key]: tag for tag, key in keys.items() if key in vocabulary}
    wanted = items.columns.tags.profile({key: profile[tag] for tag, key in keys.items()})
    products = wanted[tags.ids] * tags.weights
    shared = np.flatnonzero(products > 0)
    found: list[list[tuple[float, str, float, float]]] = [[] for _ in micros]
    for owner, tag, product, owned in zip(
        tags.owners[shared].tolist(),
        tags.ids[shared].tolist(),
        products[shared].tolist(),
        tags.weights[shared].tolist(),
        strict=True,
    ):
        name = spelled[tag]
        # Weights are stored as float32, of which six decimals are what was written.
        found[owner].append((-product, name, profile[name], round(owned, 6)))
    return [_shares(sorted(one), total) for one, total in zip(found, micros, strict=True)]


def _shares(entries: Sequence[tuple[float, str, float, float]], total: int) -> tuple[TagShare, ...]:
    parts = apportion(total, [-product for product, *_ in entries])
    return tuple(
        TagShare(tag=tag, wanted=wanted, owned=owned, contribution=part / MICRO)
        for (_, tag, wanted, owned), part in zip(entries, parts, strict=True)
    )


def apportion(total: int, amounts: Sequence[float]) -> list[int]:
    """Whole shares of `total` in proportion to the amounts, by largest remainder.

    Amounts are above 0. The shares add up to the total, and each is off by less than 1.
    """
    sign = -1 if total < 0 else 1
    whole = [max(1, int(amount * _WHOLE)) for amount in amounts]
    parts = [divmod(sign * total * one, sum(whole)) for one in whole]
    shares = [share for share, _ in parts]
    left = sign * total - sum(shares) if parts else 0
    ranked = sorted(range(len(parts)), key=lambda at: -parts[at][1])
    for at in ranked[:left]:
        shares[at] += 1
    return [sign * share for share in shares]
