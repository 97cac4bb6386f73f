"""Whole items as bytes, of which only those are made into `Content` that are asked for."""

from collections.abc import Iterator, Sequence
from typing import overload

import msgspec
import numpy as np
import numpy.typing as npt

from core.content import Content, ContentRules
from core.geo import GeoPoint
from core.ragged import Starts, starts_of
from core.vectors import GridMatrix


class Document(msgspec.Struct, frozen=True, kw_only=True, array_like=True, omit_defaults=True):
    """An item without its vector and without what is derived."""

    id: str
    title: str
    text: str = ""
    tags: dict[str, float] = {}
    position: GeoPoint | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    language: str | None = None
    popularity: float = 0.0
    related: dict[str, float] = {}
    rules: ContentRules = ContentRules()


class Heading(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a document: the rest is not read."""

    id: str
    title: str


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Document)
_HEADINGS = msgspec.msgpack.Decoder(Heading)
_FIELDS = Document.__struct_fields__


def encode_document(content: Content) -> bytes:
    """The bytes of an item."""
    fields = {field: getattr(content, field) for field in _FIELDS}
    return _ENCODER.encode(Document(**fields))


class DocumentBlock(msgspec.Struct, frozen=True):
    """The documents of every row, one after the other. Shape: `starts` (n + 1,) into `stored`."""

    starts: Starts
    stored: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, documents: Sequence[bytes]) -> "DocumentBlock":
        """A block of encoded documents, in their order."""
        lengths = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
        return cls(starts_of(lengths), np.frombuffer(b"".join(documents), dtype=np.uint8))


class Documents(Sequence[Content]):
    """The items of every row, each made when it is asked for."""

    def __init__(self, block: DocumentBlock, vectors: GridMatrix) -> None:
        """Shape: `vectors` (n, dim)."""
        self._block = block
        self._vectors = vectors

    def __len__(self) -> int:
        """Number of items."""
        return len(self._vectors)

    @overload
    def __getitem__(self, index: int) -> Content: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Content]: ...
    def __getitem__(self, index: int | slice) -> Content | Sequence[Content]:
        """The item of a row."""
        if isinstance(index, slice):
            return [self[row] for row in range(len(self))[index]]
        if not 0 <= index < len(self):
            raise IndexError(index)
        document = _DECODER.decode(self._bytes_of(index))
        return Content(
            id=document.id,
            title=document.title,
            text=document.text,
            tags=document.tags,
            position=document.position,
            image=document.image,
            place=document.place,
            date=document.date,
            language=document.language,
            popularity=document.popularity,
            related=document.related,
            rules=document.rules,
            vector=self._vectors[index],
        )

    def __iter__(self) -> Iterator[Content]:
        """All of them, in the order of the rows."""
        return (self[row] for row in range(len(self)))

    def title(self, index: int) -> str:
        """The title of a row's item, without making the item."""
        return _HEADINGS.decode(self._bytes_of(index)).title

    def _bytes_of(self, index: int) -> memoryview:
        begin, end = self._block.starts[index : index + 2].tolist()
        return self._block.stored.data[begin:end]
