"""Guesses what the columns of a file are, from their names and from what they hold."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from adapters.catalogue import cells
from adapters.catalogue.mapping import ListColumn
from adapters.catalogue.sample import ColumnSample

_LONG_TEXT = 40
_CODE_CHARS = 8
"""Of a language, as `en` or `zh-Hant`."""


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping to complete, and why each column that is in none of its fields is not."""

    mapping: dict[str, Any]
    left_out: dict[str, str]


class _Field(msgspec.Struct, frozen=True):
    """A field, names that its column may have, the likeliest first, and what must be in it."""

    name: str
    names: str
    fits: Callable[[ColumnSample], bool]


def _reads(read: Callable[..., Any], *more: Any) -> Callable[[ColumnSample], bool]:
    return lambda column: column.is_mostly(lambda value: read(value, *more))


def _is_flag(column: ColumnSample) -> bool:
    return column.is_mostly(lambda value: cells.flag(value) is not None)


def _is_short(column: ColumnSample) -> bool:
    return 0 < column.length <= 2 * _LONG_TEXT and column.split != cells.JSON


def _is_prose(column: ColumnSample) -> bool:
    return not (column.is_empty or column.is_address or column.is_numeric) and column.split == ""


def _is_code(column: ColumnSample) -> bool:
    return 0 < column.length <= _CODE_CHARS


def _is_name(column: ColumnSample) -> bool:
    return _is_prose(column) and _is_short(column)


_FIELDS = (
    _Field("id", "id identifier content_id item_id sku uuid guid", lambda one: one.is_unique),
    _Field(
        "position",
        "position location coordinates latlon lat_lon latlng geo",
        _reads(cells.position),
    ),
    _Field("lat", "latitude lat", _reads(cells.number, -90, 90)),
    _Field("lon", "longitude lon lng long", _reads(cells.number, -180, 180)),
    _Field(
        "image",
        "main_photo image image_url img photo picture thumbnail",
        lambda one: one.is_address,
    ),
    _Field("language", "language lang locale", _is_code),
    _Field("popularity", "popularity views visits likes", _reads(cells.number, 0)),
    _Field("hidden", "hidden is_hidden unpublished", _is_flag),
    _Field("valid_from", "valid_from publish_from visible_from", _reads(cells.moment)),
    _Field("valid_until", "valid_until valid_to publish_until visible_until", _reads(cells.moment)),
    _Field("pinned", "pinned pin", _reads(cells.whole, 1)),
    _Field("apart", "apart", _is_short),
    _Field("together", "together", _is_short),
    _Field("related", "related related_ids see_also read_next", lambda one: not one.is_address),
    _Field("vector", "vector embedding", _reads(cells.vector)),
    _Field("date", "date year when erected built published created created_at", _is_short),
    _Field("place", "place location venue city town area address", _is_short),
    _Field("title", "title name headline label caption", _is_name),
    _Field("text", "inscription text description body story content summary", _is_prose),
)
_LISTS = ("apart", "related")
_SAME_WORD = ("related", "vector", "position")
"""Names so common as a last word that only the whole name counts."""


def guess(columns: Sequence[ColumnSample]) -> Guess:
    """The likeliest mapping; the fields of an item that nothing looks like are missing."""
    free = {column.name: column for column in columns if column.name}
    mapping: dict[str, Any] = {}
    for field in _FIELDS:
        if (found := _find(field, free)) is not None:
            free.pop(found.name)
            lists = field.name in _LISTS
            mapping[field.name] = listed(found, found.names_split) if lists else found.name
    _find_id(mapping, free)
    _pair_places(mapping)
    _find_text(mapping, free)
    _complete_title(mapping, {column.name: column for column in columns})
    left_out = {name: column.why_no_facet for name, column in free.items()}
    mapping["tags"] = {
        name.replace(":", " "): listed(column, column.split)
        for name, column in free.items()
        if left_out[name] is None
    }
    return Guess(mapping=mapping, left_out={name: why for name, why in left_out.items() if why})


def listed(column: ColumnSample, split: str) -> dict[str, Any] | str:
    """A column of several values as a mapping names it."""
    if not split:
        return column.name
    found: dict[str, Any] = msgspec.to_builtins(ListColumn(column=column.name, split=split))
    return found


def _find(field: _Field, free: Mapping[str, ColumnSample]) -> ColumnSample | None:
    """By the whole name, else by its last word: `lead_subject_name` is a name."""
    names = field.names.split()
    for name in names:
        for column in free.values():
            if "_".join(column.words) == name and field.fits(column):
                return column
    for name in names if field.name not in _SAME_WORD else ():
        ending = [column for column in free.values() if column.words[-1:] == (name,)]
        for column in sorted(ending, key=lambda one: len(one.words)):
            if field.fits(column):
                return column
    return None


def _find_id(mapping: dict[str, Any], free: dict[str, ColumnSample]) -> None:
    """Without a column of such a name the id is the first that differs in every row."""
    keys = [one.name for one in free.values() if one.is_key and not one.is_address]
    if "id" not in mapping and keys:
        free.pop(keys[0])
        mapping["id"] = keys[0]


def _pair_places(mapping: dict[str, Any]) -> None:
    """One of lat and lon alone says nothing."""
    if "position" in mapping or not {"lat", "lon"} <= set(mapping):
        mapping.pop("lat", None)
        mapping.pop("lon", None)


def _find_text(mapping: dict[str, Any], free: dict[str, ColumnSample]) -> None:
    """Without a column of such a name the text is the column with the longest prose."""
    if "text" in mapping:
        return
    long = [one for one in free.values() if _is_prose(one) and one.length >= _LONG_TEXT]
    if long:
        found = max(long, key=lambda one: one.length)
        free.pop(found.name)
        mapping["text"] = found.name


def _complete_title(mapping: dict[str, Any], columns: Mapping[str, ColumnSample]) -> None:
    """Where the title is empty or missing the start of the text takes its place."""
    title, text = mapping.get("title"), mapping.get("text")
    if text and not (title and columns[title].is_full):
        mapping["title"] = [title, text] if title else text
