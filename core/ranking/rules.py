"""What one list may still hold by its curators' rules, as items are added to it."""

from collections import Counter
from collections.abc import Sequence

from core.content import Content
from core.tags import facet_key, tag_key


class ListRules:
    """`apart` groups and the caps of facets; the other rules are not about one list.

    Each of `caps` reads `facet=most items of one label`.
    """

    def __init__(self, caps: Sequence[str]) -> None:
        """An empty list."""
        pairs = (cap.rpartition("=") for cap in caps)
        self._caps = {facet_key(f"{facet}:"): int(most) for facet, _, most in pairs}
        self._apart: set[str] = set()
        self._labels: Counter[str] = Counter()

    @property
    def look_at_all(self) -> bool:
        """Whether an item without rules of its own must be looked at too."""
        return bool(self._caps)

    def admit(self, contents: Sequence[Content]) -> bool:
        """Whether the list may hold these too, all of them."""
        return not self.clashes(contents) and not self.overfull(contents)

    def clashes(self, contents: Sequence[Content]) -> set[str]:
        """The names of `apart` that are in the list already, or twice among these."""
        names = Counter(name for one in contents for name in one.rules.apart)
        return {name for name, count in names.items() if count > 1 or name in self._apart}

    def overfull(self, contents: Sequence[Content]) -> dict[str, int]:
        """The labels that there would be too many of, by their key, with how many may be."""
        labels = self._capped(contents)
        return {
            key: self._most(key)
            for key, count in labels.items()
            if self._labels[key] + count > self._most(key)
        }

    def counts(self, content: Content) -> dict[str, tuple[int, int]]:
        """How many items of the list have each capped label of this one, and how many may."""
        return {key: (self._labels[key], self._most(key)) for key in self._capped([content])}

    def add(self, contents: Sequence[Content]) -> None:
        """These are in the list now."""
        self._apart.update(name for one in contents for name in one.rules.apart)
        self._labels.update(self._capped(contents))

    def _capped(self, contents: Sequence[Content]) -> Counter[str]:
        """How many of the items have each label that a cap counts."""
        if not self._caps:
            return Counter()
        keys = (key for one in contents for key in {tag_key(tag) for tag in one.tags})
        return Counter(key for key in keys if key.partition(":")[0] in self._caps)

    def _most(self, key: str) -> int:
        return self._caps[key.partition(":")[0]]
