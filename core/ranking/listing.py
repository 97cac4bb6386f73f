"""`make_listing`: from candidates to a list of places, and what decided about each of them."""

from collections.abc import Iterator
from itertools import chain

import msgspec
import numpy as np

from core.columns import ContentRows
from core.ragged import Numbers, Rows
from core.ranking.blocks import candidate_blocks, pinned_blocks, revisit_blocks
from core.ranking.distractor import distractor_rank, pick_distractor, wanted
from core.ranking.exploring import perturbed
from core.ranking.fusion import Fused, Micros
from core.ranking.mmr import Diversified
from core.ranking.pool import CandidatePool
from core.ranking.ranker import WeightedSum
from core.ranking.scorers import ScoringInput, score_all
from core.ranking.slate import Block, Place, Scored, Slate
from core.recommendation import DistractorReport, RecommendRequest

_TIES = 2**31
"""Above every tie; the greatest total times it is far below 2^63."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates with their scores, and the order in which they were handed out."""

    scored: Scored
    diversified: Diversified


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A finished list with what it was made from. `ranked` None: there were no candidates."""

    slate: Slate
    ranked: Ranked | None
    report: DistractorReport
    pool: CandidatePool
    scoring: ScoringInput
    request: RecommendRequest


def make_listing(
    pool: CandidatePool, scoring: ScoringInput, request: RecommendRequest, seed: int
) -> Listing:
    """Fill a list of the request's length, unseen items first."""
    slate = Slate(request.limit, scoring.config.facet_caps)
    ranked = _ranked(pool, scoring)
    blocks = _blocks(ranked, pool, scoring, slate)
    report = _place_distractor(slate, blocks, pool, scoring, request, seed)
    if scoring.config.candidates.fresh_rank <= request.limit:
        _try_new(slate, blocks, pool, ranked, scoring)
    slate.fill(blocks)
    return Listing(
        slate=slate, ranked=ranked, report=report, pool=pool, scoring=scoring, request=request
    )


def fuse_scores(items: ContentRows, scoring: ScoringInput) -> Fused:
    """The score of each item, with its parts."""
    ranker = scoring.ranker or WeightedSum(scoring.config.weights)
    return ranker.fuse(score_all(items, scoring), len(items))


def score_seen(pool: CandidatePool, scoring: ScoringInput) -> Scored:
    """The seen items with their scores."""
    return Scored(
        items=pool.seen, fused=fuse_scores(pool.seen, scoring), generated_by=lambda _: ("revisit",)
    )


def _ranked(pool: CandidatePool, scoring: ScoringInput) -> Ranked | None:
    candidates = pool.candidates
    if not len(candidates):
        return None
    scored = Scored(
        items=candidates.items,
        fused=fuse_scores(candidates.items, scoring),
        generated_by=candidates.generated_by,
    )
    total = perturbed(scored.fused.total, scoring.exploration)
    ties = np.arange(len(candidates), dtype=np.int32)
    if not scoring.signals.is_cold:  # a cold list breaks ties by its draw, not by id
        ties = candidates.items.columns.order[candidates.items.rows]
    order = _best_first(total, ties)
    vectors = candidates.items.take(order[: scoring.config.mmr_pool]).vectors
    return Ranked(scored=scored, diversified=Diversified(order, total, vectors, scoring.config))


def _best_first(total: Micros, ties: Numbers) -> Rows:
    """The order of the greatest totals, ties by the smaller number. Shape: all (n,).

    In one key, sorted in half the time that two take.
    """
    return np.argsort(-total * _TIES + ties)


def _blocks(
    ranked: Ranked | None, pool: CandidatePool, scoring: ScoringInput, slate: Slate
) -> Iterator[Block]:
    """What the list is filled with, best first; the pinned ones get their ranks."""
    seen = revisit_blocks(pool, lambda: score_seen(pool, scoring))
    if ranked is None:
        return seen
    slate.pin(pinned_blocks(pool, ranked.scored, scoring.signals))
    best = ranked.diversified.hand_out()
    return chain(candidate_blocks(best, pool, ranked.scored, scoring.signals), seen)


def _try_new(
    slate: Slate,
    blocks: Iterator[Block],
    pool: CandidatePool,
    ranked: Ranked | None,
    scoring: ScoringInput,
) -> None:
    """Place new items that did not come by themselves; a score alone may never bring them."""
    rank = scoring.config.candidates.fresh_rank
    if ranked is None or not len(pool.fresh) or not slate.fill(blocks, until=rank):
        return
    for index in ranked.scored.items.locate(pool.fresh).tolist():
        place = ranked.scored.place(index)
        is_free = slate.has_room and not slate.next_is_pinned
        if is_free and place.group is None and slate.admits((place,)):
            slate.insert((place,))
            slate.tried.add(place.content_id)


def _place_distractor(
    slate: Slate,
    blocks: Iterator[Block],
    pool: CandidatePool,
    scoring: ScoringInput,
    request: RecommendRequest,
    seed: int,
) -> DistractorReport:
    """Fill the list up to the distractor's rank and place it there."""
    config = scoring.config.distractor
    if not wanted(request, config, seed):
        return DistractorReport(placed=False, reason="not asked for")
    if scoring.signals.is_cold:
        return DistractorReport(placed=False, reason="nothing is known to be off-profile")
    rank = min(distractor_rank(seed), request.limit)
    if rank < 3 or not slate.fill(blocks, until=rank):  # noqa: PLR2004 - the first of its two ranks
        return DistractorReport(placed=False, reason="the list is too short")
    if slate.next_rank != rank or slate.next_is_pinned:
        return DistractorReport(placed=False, reason="pinned items take its rank")
    place = _distractor(slate, pool, scoring, seed)
    if place is None:
        return DistractorReport(
            placed=False, reason="no off-profile item in scope", strategy=config.strategy
        )
    slate.insert((place,))
    return DistractorReport(placed=True, reason="placed", strategy=config.strategy, rank=rank)


def _distractor(
    slate: Slate, pool: CandidatePool, scoring: ScoringInput, seed: int
) -> Place | None:
    items = pool.distractors
    if not len(items):
        return None
    scored = Scored(
        items=items,
        fused=fuse_scores(items, scoring),
        generated_by=lambda _: ("distractor",),
        kind="distractor",
    )
    places = map(scored.place, range(len(items)))
    alone = [place for place in places if place.group is None and slate.admits((place,))]
    chosen = pick_distractor(
        items.take([place.index for place in alone]),
        scoring.signals,
        scoring.config.distractor,
        seed,
    )
    return scored.place(int(items.locate(chosen)[0])) if len(chosen) else None
