"""What is placed in one piece: an item by itself, or a group that is shown together."""

from collections.abc import Callable, Iterable, Iterator

from core.ranking.pool import CandidatePool
from core.ranking.slate import Block, Place, Scored
from core.signals import UserSignals


def candidate_blocks(
    order: Iterable[int], pool: CandidatePool, scored: Scored, signals: UserSignals
) -> Iterator[Block]:
    """The candidates in the given order, each with its group.

    Of a group the visitor has seen a part of, the rest is shown. A group with a
    member that is neither seen nor a candidate is outside the request's scope.
    """
    for index in order:
        block = block_of(scored.place(index), pool, seen=signals.viewed)
        if block is not None:
            yield block


def pinned_blocks(pool: CandidatePool, scored: Scored, signals: UserSignals) -> dict[int, Block]:
    """The pinned candidates by their rank; of two with one rank the later takes the next."""
    blocks: dict[int, Block] = {}
    free = 1
    at = scored.items.locate(pool.pinned).tolist()
    for index, content in zip(at, pool.pinned, strict=True):
        rank = max(content.rules.pinned or 1, free)
        if index < 0 or any(place.index == index for block in blocks.values() for place in block):
            continue
        block = block_of(scored.place(index), pool, seen=signals.viewed)
        if block is not None:
            blocks[rank] = block
            free = rank + len(block)
    return blocks


def revisit_blocks(pool: CandidatePool, scored: Callable[[], Scored]) -> Iterator[Block]:
    """The seen items, oldest first; they are scored only when the list comes to them."""
    if not len(pool.seen):
        return
    seen = scored()
    for index in range(len(pool.seen)):
        block = block_of(seen.place(index), pool, seen=())
        if block is not None:
            yield block


def block_of(place: Place, pool: CandidatePool, seen: Iterable[str]) -> Block | None:
    """The place and its group's, by id; None where the group cannot be shown whole."""
    group = place.group
    if group is None:
        return (place,)
    if not missing_members(group, place.scored, pool).issubset(seen):
        return None
    at = place.scored.items.locate(pool.together[group]).tolist()
    return tuple(place.scored.place(index) for index in at if index >= 0)


def missing_members(group: str, scored: Scored, pool: CandidatePool) -> set[str]:
    """The ids of a group's members that are not among the scored items."""
    members = pool.together[group]
    at = scored.items.locate(members).tolist()
    return {member for member, index in zip(members.ids, at, strict=True) if index < 0}
