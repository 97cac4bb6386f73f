"""Which columns of a file are which fields of an item: a TOML file, or options."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.errors import RejectedError

Column = Annotated[str, Meta(min_length=1)]
Columns = Column | tuple[Column, ...]
Weight = Annotated[float, Meta(ge=0.0, le=1.0)]


class ListColumn(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A column with several values. `split`: `json`, or what stands between them."""

    column: Column
    split: str = ""
    weight: Weight = 1.0


class CatalogueMapping(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """From fields to columns; empty means that the file has no such field.

    `title`: the first of its columns that is filled; one that is a column of
    `text`, too, gives the start of the text. The columns of `text` and `place`
    are joined. `position` is one column with `lat,lon`. `tags` is by facet.
    """

    delimiter: str = ""
    id: Column
    title: Columns
    text: Columns = ()
    place: Columns = ()
    lat: str = ""
    lon: str = ""
    position: str = ""
    image: str = ""
    language: str = ""
    date: str = ""
    popularity: str = ""
    hidden: str = ""
    valid_from: str = ""
    valid_until: str = ""
    pinned: str = ""
    together: str = ""
    vector: str = ""
    apart: str | ListColumn = ""
    related: str | ListColumn = ""
    tags: dict[str, Column | ListColumn] = {}

    def columns(self) -> set[str]:
        """Every column that is used."""
        used: set[str] = set()
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name != "delimiter":
                for one in value.values() if isinstance(value, dict) else several(value):
                    used.add(one.column if isinstance(one, ListColumn) else one)
        return used

    def require_columns(self, present: Sequence[str]) -> None:
        """Raises: RejectedError naming every column that the file does not have."""
        missing = sorted(self.columns() - set(present))
        if missing:
            hints = ", ".join(_hinted(column, present) for column in missing)
            raise RejectedError(f"the file has no column {hints}; it has {', '.join(present)}")


def several(value: Any) -> tuple[Any, ...]:
    """One or more columns as a tuple."""
    return ((value,) if value else ()) if isinstance(value, str | ListColumn) else tuple(value)


def list_column(value: str | ListColumn) -> ListColumn | None:
    """A bare name as the column whose cells are one value each."""
    return value if isinstance(value, ListColumn) else ListColumn(column=value) if value else None


def read_mapping(path: Path) -> dict[str, Any]:
    """A mapping file, still to be completed by options.

    Raises: RejectedError saying what is wrong and where.
    """
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=CatalogueMapping)
    except OSError as exc:
        raise RejectedError(f"{path}: {exc.strerror}") from exc
    except msgspec.DecodeError as exc:
        raise RejectedError(f"{path}: {exc}") from exc
    builtins: dict[str, Any] = msgspec.to_builtins(found)
    return builtins


def write_mapping(mapping: CatalogueMapping, remarks: Iterable[str] = ()) -> str:
    """The mapping as a TOML file to keep and to edit."""
    head = "".join(f"# {remark}\n" for remark in remarks)
    return head + msgspec.toml.encode(mapping).decode()


def changed(
    mapping: dict[str, Any], options: Iterable[str], listed: Callable[[str], Any]
) -> dict[str, Any]:
    """A mapping with what options like `title=name` or `tags.role=roles` say instead.

    The first option of a field replaces what it was, more of the same are
    further columns of it; `place=` empties it. `listed` finds how the values
    of a column are separated.
    """
    changed, said = {**mapping, "tags": dict(mapping.get("tags", {}))}, set()
    for option in options:
        field, equals, column = option.partition("=")
        head, dot, facet = field.partition(".")
        if not equals or (dot and head != "tags"):
            raise RejectedError(f"--map {option}: write FIELD=COLUMN or tags.FACET=COLUMN")
        where, name = (changed["tags"], facet) if dot else (changed, field)
        if not column:
            where.pop(name, None)
        elif dot or field in ("apart", "related"):
            where[name] = listed(column)
        elif field in said:
            where[name] = [*several(where[name]), column]
        else:
            where[name] = column
        said.add(field)
    return changed


def completed(mapping: dict[str, Any], present: Sequence[str]) -> CatalogueMapping:
    """The mapping, if it can be used for a file of these columns.

    Raises: RejectedError saying what is missing and which columns there are.
    """
    for name in ("id", "title"):
        if not mapping.get(name):
            raise RejectedError(
                f"no column looks like the {name}: say which by --map {name}=COLUMN; "
                f"the file has {', '.join(present)}"
            )
    try:
        found = msgspec.convert(mapping, CatalogueMapping)
    except msgspec.ValidationError as exc:
        raise RejectedError(f"the mapping cannot be used: {exc}") from exc
    found.require_columns(present)
    return found


def _hinted(column: str, present: Sequence[str]) -> str:
    near = get_close_matches(column, present, n=1)
    return f"{column} (did you mean {near[0]}?)" if near else column
