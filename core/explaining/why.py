"""`why`: for one item of the catalogue why it is in a list, or why it is not."""

from collections.abc import Sequence

from core.columns import ContentRows
from core.explaining.comparison import compare, why_behind
from core.explaining.explain import scorer_parts
from core.explaining.nearness import nearness_of, why_not_brought
from core.explaining.outcomes import (
    Asked,
    Listed,
    NotACandidate,
    Outcome,
    Outscored,
    Seen,
)
from core.explaining.refusals import refusal, refusal_beforehand
from core.explaining.scope import outside
from core.ranking.listing import Listing, Ranked, fuse_scores, score_seen
from core.recommendation import RecommendedItem


def why(
    row: ContentRows,
    listing: Listing,
    items: Sequence[RecommendedItem],
    now_ms: int,
    asked: Asked,
) -> Outcome:
    """The one outcome. Shape: `row` holds the item, `items` are the list's, explained."""
    content = row[0]
    for item in items:
        if item.content_id == content.id:
            return _listed(item, asked)
    closed = outside(content, listing.request, now_ms, asked)
    if closed is not None:
        return closed
    if content.id in listing.scoring.signals.viewed:
        return _seen(row, listing, asked)
    ranked = listing.ranked
    index = -1 if ranked is None else int(ranked.scored.items.locate(row)[0])
    if ranked is None or index < 0:
        return _not_a_candidate(row, listing, asked)
    return _candidate(index, ranked, listing, asked)


def _listed(item: RecommendedItem, asked: Asked) -> Listed:
    reason = item.explanation.reason if item.explanation else ""
    said = f"It is at rank {item.rank}. {reason}"
    return Listed(**asked, sentence=said, rank=item.rank, item=item)


def _seen(row: ContentRows, listing: Listing, asked: Asked) -> Outcome:
    viewed_ms = listing.scoring.signals.viewed[asked["content_id"]]
    seen, index = listing.pool.seen, int(listing.pool.seen.locate(row)[0])
    if index >= 0 and index < _seen_reached(listing):
        place = score_seen(listing.pool, listing.scoring).place(index)
        refused = refusal(place, (), listing, asked)
        if refused is not None:
            return refused
    said = "You have seen it, and the list is filled with what you have not."
    if len(seen) and listing.slate.next_rank <= listing.request.limit:
        said = "You have seen it."
    return Seen(**asked, sentence=said, viewed_ms=viewed_ms)


def _seen_reached(listing: Listing) -> int:
    """How many of the seen items had their turn."""
    seen, places = listing.pool.seen, listing.slate.places
    if len(places) < listing.request.limit:
        return len(seen)
    viewed = listing.scoring.signals.viewed
    return max((place.index + 1 for place in places if place.content_id in viewed), default=0)


def _candidate(index: int, ranked: Ranked, listing: Listing, asked: Asked) -> Outcome:
    scored, viewed = ranked.scored, listing.scoring.signals.viewed
    place = scored.place(index)
    if index in ranked.diversified.reached:
        refused = refusal(place, viewed, listing, asked)
    else:
        refused = refusal_beforehand(place, viewed, listing, asked)
    if refused is not None:
        return refused
    compared = compare(scored.fused, index, index, listing)
    return Outscored(
        **asked,
        sentence=why_behind(compared, listing),
        score=scored.fused.score(index),
        position=ranked.diversified.order.tolist().index(index) + 1,
        candidates=len(scored.items),
        scorers=scorer_parts(scored.fused, index),
        compared=compared,
    )


def _not_a_candidate(row: ContentRows, listing: Listing, asked: Asked) -> NotACandidate:
    fused, found = fuse_scores(row, listing.scoring), nearness_of(row, listing)
    above = 0
    if listing.ranked is not None:
        above = int((listing.ranked.scored.fused.total > fused.total[0]).sum())
    return NotACandidate(
        **asked,
        sentence=why_not_brought(found),
        generators=found,
        score=fused.score(0),
        position=above + 1,
        candidates=len(listing.pool.candidates),
        scorers=scorer_parts(fused, 0),
        compared=compare(fused, 0, None, listing),
    )
