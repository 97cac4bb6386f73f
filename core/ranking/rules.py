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
        names = [name for one in contents for name in one.rules.apart]
        if len(set(names)) < len(names) or not self._apart.isdisjoint(names):
            return False
        labels = self._capped(contents)
        return all(self._labels[key] + count <= self._most(key) for key, count in labels.items())

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
