"""Takes items in one by one and keeps of each only what the index needs of it."""

import hashlib
from array import array
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.content import Content
from core.index.documents import encode_document
from core.languages import language_key
from core.ragged import Numbers, Rows, starts_of
from core.tags import word_key, words_in
from core.vectors import GridMatrix, GridVector

_BLOCK = 4_096
_NO_LIMIT_MS = 2**63 - 1


class SparseLists:
    """Lists of keyed values, one a row: collected row by row."""

    def __init__(self) -> None:
        """No rows yet."""
        self.numbers: dict[str, int] = {}
        self._lengths = array("i")
        self._keys = array("i")
        self._values = array("f")

    def append(self, values: Sequence[tuple[str, float]]) -> None:
        """One more row."""
        numbers = self.numbers
        self._lengths.append(len(values))
        self._keys.extend([numbers.setdefault(key, len(numbers)) for key, _ in values])
        self._values.extend([value for _, value in values])

    def arrays(
        self,
    ) -> tuple[npt.NDArray[np.int64], Numbers, npt.NDArray[np.float32]]:
        """Starts, keys by their number, values."""
        lengths = np.frombuffer(self._lengths, dtype=np.int32)
        keys = np.frombuffer(self._keys, dtype=np.int32)
        return starts_of(lengths), keys, np.frombuffer(self._values, dtype=np.float32)


class WordNumbers(dict[str, int]):
    """From a word as it is written to the number of its comparable form."""

    def __init__(self) -> None:
        """No words yet; nothing has the number 0."""
        super().__init__()
        self.forms: dict[str, int] = {"": 0}

    def __missing__(self, word: str) -> int:
        """A spelling that is new."""
        number = self.forms.setdefault(word_key(word), len(self.forms))
        self[word] = number
        return number


class TextLists:
    """The words of titles and texts, one after the other: collected row by row."""

    def __init__(self) -> None:
        """No rows yet."""
        self.numbers = WordNumbers()
        self.titles = array("i")
        """How many of the words of each row are its title's, which come first."""
        self.lengths = array("i")
        self.words = array("i")

    def append(self, title: str, text: str) -> None:
        """One more row."""
        titles, texts = words_in(title), words_in(text)
        self.titles.append(len(titles))
        self.lengths.append(len(titles) + len(texts))
        self.words.extend(map(self.numbers.__getitem__, titles))
        self.words.extend(map(self.numbers.__getitem__, texts))


class Gathered:
    """Items in the order in which they came; `rows` is which of them count, by id."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._position: dict[str, int] = {}
        self._digests: list[str] = []
        self._block: list[GridVector] = []
        self._blocks: list[GridMatrix] = []
        self.documents: list[bytes] = []
        self.tags = SparseLists()
        self.texts = TextLists()
        self.related = SparseLists()
        self.languages = array("i")
        self.language_numbers: dict[str, int] = {}
        self.places = array("d")
        self.popularity = array("d")
        self.hidden: list[bool] = []
        self.ruled: list[bool] = []
        self.valid_from_ms: dict[int, int] = {}
        self.valid_until_ms: dict[int, int] = {}
        self.pinned: dict[int, int] = {}
        self.together: dict[int, str] = {}

    def add(self, content: Content) -> None:
        """Take an item in; a later one of the same id replaces an earlier one."""
        position = len(self.documents)
        self._position[content.id] = position
        self._digests.append(content.digest())
        self.documents.append(encode_document(content))
        self._add_vector(content.vector)
        self.texts.append(content.title, content.text)
        self.tags.append(_summed(content.keyed_tags))
        place = content.position
        self.places.extend((place.lat, place.lon) if place else (np.nan, np.nan))
        self.popularity.append(content.popularity)
        self.related.append(list(content.related.items()))
        numbers = self.language_numbers
        self.languages.append(numbers.setdefault(language_key(content.language), len(numbers)))
        self._add_rules(position, content)

    def sorted_ids(self) -> tuple[list[str], Rows]:
        """The ids in order, and the position of each."""
        ids = sorted(self._position)
        return ids, np.array([self._position[one] for one in ids], dtype=np.intp)

    def vectors(self) -> GridMatrix:
        """Of all positions; to be asked once. Shape: (positions, dim)."""
        rest = [np.stack(self._block)] if self._block else []
        blocks = [*self._blocks, *rest] or [np.zeros((0, 0), dtype=np.float32)]
        self._blocks, self._block = [], []  # the same once more: gigabytes of a large catalogue
        return np.concatenate(blocks)

    def version(self, vector_space: str, positions: Rows, vectors: GridMatrix) -> str:
        """A digest of the space and every item that counts. Shape: both in the order of the ids."""
        digest = hashlib.blake2b(vector_space.encode(), digest_size=6)
        for position, vector in zip(positions.tolist(), vectors, strict=True):
            digest.update(self._digests[position].encode())
            digest.update(vector.astype("<f4").tobytes())
        return digest.hexdigest()

    def _add_vector(self, vector: GridVector) -> None:
        self._block.append(vector)
        if len(self._block) == _BLOCK:
            self._blocks.append(np.stack(self._block))
            self._block = []

    def _add_rules(self, position: int, content: Content) -> None:
        rules = content.rules
        self.hidden.append(rules.hidden)
        self.ruled.append(bool(rules.apart) or rules.together is not None)
        if rules.valid_from_ms is not None or rules.valid_until_ms is not None:
            begun, end = rules.valid_from_ms, rules.valid_until_ms
            self.valid_from_ms[position] = -_NO_LIMIT_MS if begun is None else begun
            self.valid_until_ms[position] = _NO_LIMIT_MS if end is None else end
        if rules.pinned is not None:
            self.pinned[position] = rules.pinned
        if rules.together is not None:
            self.together[position] = rules.together


def _summed(pairs: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Two spellings of a tag are one."""
    sums: dict[str, float] = {}
    for key, value in pairs:
        sums[key] = sums.get(key, 0.0) + value
    return list(sums.items())
