"""Sets an item that is not in the list against the last one that is there for its score."""

import msgspec

from core.explaining.explain import mmr_step
from core.explaining.outcomes import Comparison, Difference
from core.explaining.sentences import quoted
from core.ranking.fusion import MICRO, Fused
from core.ranking.listing import Listing
from core.ranking.slate import Place


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """The last item that was placed for its score, and how many had their turn before it."""

    place: Place
    rank: int
    turn: int


def bar_of(listing: Listing) -> Bar | None:
    """None where pinned items, a distractor or seen ones fill the list."""
    if listing.ranked is None:
        return None
    turns = {index: turn for turn, index in enumerate(listing.ranked.diversified.reached)}
    bars = [
        Bar(place=place, rank=rank, turn=turns[place.index])
        for rank, place in enumerate(listing.slate.places, start=1)
        if place.scored is listing.ranked.scored
        and place.content_id not in listing.slate.pinned
        and place.content_id not in listing.slate.tried
        and place.index in turns  # the rest of a group comes along before its turn
    ]
    return max(bars, key=lambda bar: bar.turn, default=None)


def compare(fused: Fused, index: int, candidate: int | None, listing: Listing) -> Comparison | None:
    """The item at `index` of the scores, which is that candidate or none at all."""
    bar, ranked = bar_of(listing), listing.ranked
    if bar is None or ranked is None:
        return None
    last = ranked.scored.fused
    differences = [
        _difference(name, int(micros[index]), int(last.parts[name][bar.place.index]))
        for name, micros in fused.parts.items()
    ]
    step = None
    if candidate is not None:
        step = ranked.diversified.step(candidate, after=bar.turn)
    last_step = ranked.diversified.step(bar.place.index)
    missing = int(last.total[bar.place.index]) - int(fused.total[index])
    return Comparison(
        last_content_id=bar.place.content_id,
        last_rank=bar.rank,
        last_score=last.score(bar.place.index),
        behind_by=missing / MICRO,
        differences=tuple(sorted(differences, key=lambda one: one.difference)),
        mmr=mmr_step(step, listing),
        last_mmr=mmr_step(last_step, listing),
    )


def why_behind(compared: Comparison | None, listing: Listing) -> str:
    """What decided against the item, in words."""
    if compared is None:
        return "The list is full without any item that is there for its score."
    like = _too_like(compared, listing)
    if like is not None:
        return f"It is too like {like}, which comes before it; the list ends before its turn."
    exploration = listing.scoring.exploration
    if exploration is not None and exploration.kind == "gumbel":
        return "The order of this list was drawn, so that it can be learned from."
    if compared.behind_by > 0:
        most = compared.differences[0].name.replace("_", " ")
        return (
            f"Its score is {compared.behind_by:.3f} below that of the last item; what makes "
            f"most of the difference is {most}."
        )
    return "It ties with the last item of the list, and only as many fit."


def _difference(name: str, own: int, last: int) -> Difference:
    return Difference(
        name=name,
        contribution=own / MICRO,
        last=last / MICRO,
        difference=(own - last) / MICRO,
    )


def _too_like(compared: Comparison, listing: Listing) -> str | None:
    """The item that this one is too like, where that decided more than the score."""
    own, last, ranked = compared.mmr, compared.last_mmr, listing.ranked
    if own is None or last is None or own.closest is None or ranked is None:
        return None
    if own.penalty - last.penalty <= max(0.0, last.relevance - own.relevance):
        return None
    at = ranked.scored.items.ids.index(own.closest)
    return quoted(ranked.scored.items[at].title, own.closest)
