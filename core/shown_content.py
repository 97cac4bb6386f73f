"""`ShownContent`: an item as the read API answers it, as a type that documents it."""

import msgspec

from core.content import Content


class ShownContent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item, without what only the ranking needs. What it has not is left out.

    Units: `lat` and `lon` degrees. `tags` are `facet:label`, `language` as BCP 47.
    """

    id: str
    title: str
    text: str
    tags: tuple[str, ...]
    lat: float | None = None
    lon: float | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    language: str | None = None

    @classmethod
    def of(cls, content: Content) -> "ShownContent":
        """The item as `Content.as_json` gives it."""
        return msgspec.convert(content.as_json(), cls)
