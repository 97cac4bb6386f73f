"""What a ranking chooses from: the candidates, the visitor's likes, the seen items."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.collective import Collective, Covisits
from core.columns import NOTHING, ContentRows
from core.ragged import Rows


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
    lists = [rows for _, rows in found]
    items, at = _merged(lists)
    brought = np.zeros((len(items), len(found)), dtype=np.bool_)
    brought[at, np.repeat(np.arange(len(lists)), [len(rows) for rows in lists])] = True
    return Candidates(items=items, generators=tuple(name for name, _ in found), brought=brought)


def _merged(lists: Sequence[ContentRows]) -> tuple[ContentRows, Rows]:
    """Each item once, in the order of first appearance, and where every one that came went."""
    if not lists:
        return NOTHING, np.zeros(0, dtype=np.intp)
    columns = lists[0].columns
    if any(rows.columns is not columns for rows in lists):
        items = ContentRows.of({one.id: one for rows in lists for one in rows}.values())
        return items, np.concatenate([items.locate(rows) for rows in lists])
    rows = np.concatenate([one.rows for one in lists])
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    order = np.argsort(first)
    at = np.empty_like(order)
    at[order] = np.arange(len(order))
    return ContentRows(columns, rows[first[order]]), at[inverse]


class CandidatePool(msgspec.Struct, frozen=True, kw_only=True):
    """All that one answer is made from. Everything lies inside the request's scope.

    Shape: `candidates` unseen, those of a cold visitor in sample order; `likes`
        the liked items, `unopened` those shown and never opened, `session` the
        item just viewed, `last_viewed` those before it and `read` all that others
        may have read, too, both newest first and only for an explanation, `seen`
        oldest first, `distractors` what the distractor may be drawn from, `pinned`
        by their rank, `together` every member of the groups of the candidates and
        of the seen, whether in scope or not, `fresh` the new items that this list
        tries. `collective` is what is known of everybody, `covisits` what that
        says to the visitor.
    """

    candidates: Candidates
    likes: ContentRows = NOTHING
    unopened: ContentRows = NOTHING
    seen: ContentRows = NOTHING
    session: ContentRows = NOTHING
    last_viewed: ContentRows = NOTHING
    read: ContentRows = NOTHING
    distractors: ContentRows = NOTHING
    pinned: ContentRows = NOTHING
    together: Mapping[str, ContentRows] = {}
    fresh: ContentRows = NOTHING
    collective: Collective | None = None
    covisits: Covisits | None = None
    catalogue_version: str = ""
    now_ms: int | None = None
