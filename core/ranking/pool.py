"""What a ranking chooses from: the candidates, the visitor's likes, the seen items."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.columns import NOTHING, ContentRows


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """Items, each once, and the generators that brought them.

    Shape: `brought` (n, generators), in the order in which they first came.
    """

    items: ContentRows
    generators: tuple[str, ...]
    brought: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of items."""
        return len(self.items)

    def generated_by(self, index: int) -> tuple[str, ...]:
        """The generators of one item, in the order they were asked."""
        return tuple(
            name
            for name, brought in zip(self.generators, self.brought[index].tolist(), strict=True)
            if brought
        )

    def counts(self) -> dict[str, int]:
        """How many items each generator brought."""
        counts: Counter[str] = Counter()
        for name, count in zip(
            self.generators, np.count_nonzero(self.brought, axis=0).tolist(), strict=True
        ):
            counts[name] += count
        return dict(+counts)


def gather(found: Sequence[tuple[str, ContentRows]]) -> Candidates:
    """Merge what the generators found."""
    items = _distinct([rows for _, rows in found])
    brought = np.zeros((len(items), len(found)), dtype=np.bool_)
    for column, (_, rows) in enumerate(found):
        brought[items.locate(rows), column] = True
    return Candidates(items=items, generators=tuple(name for name, _ in found), brought=brought)


def _distinct(found: Sequence[ContentRows]) -> ContentRows:
    """Each item once, in the order of first appearance."""
    if not found:
        return NOTHING
    first = found[0].columns
    if any(rows.columns is not first for rows in found):
        return ContentRows.of({one.id: one for rows in found for one in rows}.values())
    together = np.concatenate([rows.rows for rows in found])
    _, at = np.unique(together, return_index=True)
    return ContentRows(first, together[np.sort(at)])


class CandidatePool(msgspec.Struct, frozen=True, kw_only=True):
    """All that one answer is made from. Everything lies inside the request's scope.

    Shape: `candidates` unseen, those of a cold visitor in sample order; `likes`
        the liked items, `unopened` those shown and never opened, `seen` oldest
        first, `distractors` what the distractor may be drawn from, `pinned` by
        their rank, `together` every member of the groups of the candidates and
        of the seen, whether in scope or not.
    """

    candidates: Candidates
    likes: ContentRows = NOTHING
    unopened: ContentRows = NOTHING
    seen: ContentRows = NOTHING
    distractors: ContentRows = NOTHING
    pinned: ContentRows = NOTHING
    together: Mapping[str, ContentRows] = {}
    catalogue_version: str = ""
