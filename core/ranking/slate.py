"""Puts a list together, rank by rank: pinned items, the distractor, and the best of the rest.

What curators want shown together comes as one block, which is placed whole or
not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from core.columns import ContentRows
from core.content import Content
from core.ranking.fusion import Fused
from core.ranking.rules import ListRules
from core.recommendation import ItemKind


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """Items with their scores, and who brought each by its position."""

    items: ContentRows
    fused: Fused
    generated_by: Callable[[int], tuple[str, ...]]
    kind: ItemKind = "recommendation"

    def place(self, index: int) -> "Place":
        """One of the items."""
        row, columns = int(self.items.rows[index]), self.items.columns
        return Place(self, index, columns.ids[row], bool(columns.ruled[row]))


class Place(msgspec.Struct, frozen=True):
    """One item of the list. `is_ruled`: it has rules about the list that it is in."""

    scored: Scored
    index: int
    content_id: str
    is_ruled: bool

    @property
    def content(self) -> Content:
        """The item."""
        return self.scored.items[self.index]

    @property
    def group(self) -> str | None:
        """The group that the item is shown together with."""
        return self.content.rules.together if self.is_ruled else None


Block = tuple[Place, ...]


class Slate:
    """A list of at most `limit` places, filled in the order of its ranks."""

    def __init__(self, limit: int, caps: Sequence[str]) -> None:
        """An empty list."""
        self.places: list[Place] = []
        self.taken: set[str] = set()
        self.pinned: set[str] = set()
        self.tried: set[str] = set()
        self._limit = limit
        self.rules = ListRules(caps)
        self._pins: dict[int, Block] = {}
        self._waiting: list[Block] = []

    @property
    def next_rank(self) -> int:
        """The first rank that is not filled."""
        return len(self.places) + 1

    @property
    def has_room(self) -> bool:
        """Whether a rank is left."""
        return len(self.places) < self._limit

    @property
    def next_is_pinned(self) -> bool:
        """Whether a pinned item takes that rank."""
        return any(rank <= self.next_rank for rank in self._pins)

    def admits(self, block: Block) -> bool:
        """Whether none of these is in the list and no rule speaks against all of them."""
        if any(place.content_id in self.taken for place in block):
            return False
        contents = self._looked_at(block)
        return not contents or self.rules.admit(contents)

    def pin(self, blocks: Mapping[int, Block]) -> None:
        """Keep the ranks for these, which come before all others."""
        for rank, block in sorted(blocks.items()):
            if rank + len(block) - 1 <= self._limit and self.admits(block):
                self._hold(block)
                self._pins[rank] = block
                self.pinned.update(place.content_id for place in block)

    def fill(self, blocks: Iterator[Block], until: int | None = None) -> bool:
        """Fill the list up to before the rank `until`; whether it came so far."""
        end = self._limit if until is None else until - 1
        while len(self.places) < end:
            rank = self.next_rank
            due = next((pinned for pinned in self._pins if pinned <= rank), None)
            if due is not None:
                self.places += self._pins.pop(due)
                continue
            stop = min([end + 1, *self._pins])
            block = self._next(blocks, room=stop - rank)
            if block is not None:
                self._hold(block)
                self.places += block
            elif self._pins and (block := self._pins.pop(min(self._pins))):
                self.places += block  # nothing is left for the ranks before it
            else:
                return False
        return True

    def insert(self, block: Block) -> None:
        """Place a block at the next rank."""
        self._hold(block)
        self.places += block

    def _next(self, blocks: Iterator[Block], room: int) -> Block | None:
        """The best block that the list admits and has room for; longer ones wait."""
        for block in [one for one in self._waiting if len(one) <= room]:
            self._waiting.remove(block)
            if self.admits(block):
                return block
        for block in blocks:
            if len(block) > room:
                self._waiting.append(block)
            elif self.admits(block):
                return block
        return None

    def _hold(self, block: Block) -> None:
        self.taken.update(place.content_id for place in block)
        if contents := self._looked_at(block):
            self.rules.add(contents)

    def _looked_at(self, block: Iterable[Place]) -> list[Content]:
        """The items that a rule may speak of: making one costs microseconds."""
        every = self.rules.look_at_all
        return [place.content for place in block if every or place.is_ruled]
