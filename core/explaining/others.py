"""Whom of the items read before others followed to an item: for the scorers of all visitors."""

from collections.abc import Iterator, Sequence

import numpy as np

from core.collective.lists import NeighbourLists
from core.columns import ContentRows
from core.explanation import NamedItem
from core.ragged import Rows, members
from core.ranking.crowd import Crowd
from core.ranking.listing import Listing
from core.vectors import Floats

Weighed = tuple[NeighbourLists, Floats]
"""Lists, and how much of what each row says counts. Shape: (rows,)."""


def others_of(items: ContentRows, listing: Listing) -> list[dict[str, NamedItem]]:
    """For each item, by the scorer's name, what was read before that speaks most for it.

    What is not in the catalogue any more, or not shown, is not named.
    """
    crowd, read = listing.scoring.crowd, listing.pool.read
    found: list[dict[str, NamedItem]] = [{} for _ in range(len(items))]
    if crowd is None or crowd.covisits is None or not len(read):
        return found
    sources = crowd.collective.rows_of(read).tolist()
    at_of = {row: at for at, row in enumerate(sources) if row >= 0}
    targets = crowd.collective.read_rows(items)
    for name, lists, rows in _looked_up(crowd):
        for number, source in enumerate(_strongest(lists, rows, targets)):
            at = at_of.get(source, -1)
            if at >= 0 and read[at].rules.shows_at(listing.pool.now_ms):
                named = NamedItem(content_id=read.ids[at], title=read.title(at))
                found[number][name] = named
    return found


def _looked_up(crowd: Crowd) -> Iterator[tuple[str, Sequence[Weighed], Rows]]:
    """Every scorer's lists as the scorer weighs them, and what was looked up in them."""
    covisits, arrays, share = crowd.covisits, crowd.collective.arrays, crowd.config.ease_share
    if covisits is None:
        return
    for name, lookup, pairs, most in (
        ("covisit", covisits.likes, arrays.likes, crowd.likes_most),
        ("coview", covisits.views, arrays.views, crowd.views_most),
    ):
        if lookup is not None:
            shares = (share, 1.0 - share)
            every = zip((pairs.ease, pairs.near), lookup.amounts, shares, most, strict=True)
            weighed = [
                (lists, amounts * (part / greatest))
                for lists, amounts, part, greatest in every
                if greatest > 0
            ]
            yield name, weighed, lookup.rows
    if covisits.views is not None:
        yield "next", [(arrays.next, covisits.views.amounts[0])], covisits.views.rows


def _strongest(weighed: Sequence[Weighed], rows: Rows, targets: Rows) -> list[int]:
    """For each target the row that says most for it, -1 where none does."""
    said = np.zeros((len(rows), len(targets)))
    place_of = {row: place for place, row in enumerate(targets.tolist()) if row >= 0}
    wanted = np.array(sorted(place_of), dtype=np.int64)
    for lists, amounts in weighed:
        places, owners = members(lists.starts, rows)
        inside = np.isin(lists.rows[places], wanted)
        columns = [place_of[row] for row in lists.rows[places[inside]].tolist()]
        at = owners[inside]
        said[at, columns] += amounts[at] * lists.weights[places[inside]]
    if not len(rows):
        return [-1] * len(targets)
    best = said.argmax(axis=0)
    return [
        int(rows[source]) if said[source, place] > 0 else -1
        for place, source in enumerate(best.tolist())
    ]
