"""`ImportPlan`: what an import would do, found before anything is done."""

import msgspec

from core.errors import RejectedError
from core.ports import ItemDigests, StoredContent


class ImportPlan(msgspec.Struct, kw_only=True):
    """What an import would do."""

    served_space: str | None
    vector_space: str
    dim: int
    takes_vectors: bool
    """Whether the vectors that come with the items are used."""
    is_mixed: bool = False
    """Whether only some of the items brought one, or of another length."""
    items: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    embeds: int = 0
    """Texts that need a vector."""
    removed: tuple[str, ...] = ()
    """Ids that are served and that the file does not have."""
    hidden: frozenset[str] = frozenset()
    """Ids that are hidden now."""

    @property
    def moves(self) -> bool:
        """Whether a catalogue of another space is to be replaced as a whole."""
        return self.served_space not in (None, self.vector_space)

    def require_space(self, *, may_move: bool) -> None:
        """Raises: RejectedError where the vectors are of another space than those served."""
        if self.moves and not may_move:
            raise RejectedError(
                f"the catalogue has vectors of {self.served_space} and this import makes those of "
                f"{self.vector_space}, which never mix: import with the embedder of the former, "
                "or say that the whole catalogue is to be built anew (--new-embedder)"
            )

    def count(self, item: StoredContent, served: ItemDigests | None) -> None:
        """One more item of the file, and what is served under its id."""
        self.items += 1
        self.new += served is None
        self.unchanged += served == item.digests
        self.changed += served not in (None, item.digests)
        same_source = served is not None and served.source == item.digests.source
        self.embeds += not same_source and not len(item.content.vector)
