"""What one cell can mean: text, numbers, moments, lists, as people and programs write them.

A cell is a text from a table or a value from JSON. None is an empty one. A
value that cannot be used raises ValueError saying what could.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from core.geo import GeoPoint

JSON = "json"
"""The separator that is none: the cell is a JSON list."""

_YES = frozenset({"1", "true", "yes", "y", "x", "on"})
_NO = frozenset({"0", "false", "no", "n", "off", ""})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MS = 86_400_000
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
"""Of the last day that has a date, which often stands for ever."""
_DAY_ONLY = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_PAIR = re.compile(r"\(?\s*([-+\d.]+)\s*[,; ]\s*([-+\d.]+)\s*\)?")


def text(cell: Any) -> str:
    """The cell as text; a list's parts are joined."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, list):
        return ", ".join(filter(None, map(text, cell)))
    return msgspec.json.encode(cell).decode()


def number(cell: Any, low: float, high: float = math.inf) -> float | None:
    """A number within its bounds; a lone comma is a decimal point."""
    said = text(cell)
    if not said:
        return None
    said = said.replace(",", ".") if said.count(",") == 1 and "." not in said else said
    bounds = f" from {low:g} to {high:g}" if math.isfinite(high) else f" of {low:g} or more"
    try:
        found = float(said)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and low <= found <= high):
        raise ValueError(f"is not a number{bounds if math.isfinite(low) else ''}")
    return found


def whole(cell: Any, low: int) -> int | None:
    """A whole number."""
    found = number(cell, low)
    if found is not None and found != int(found):
        raise ValueError(f"is not a whole number of {low} or more")
    return None if found is None else int(found)


def flag(cell: Any) -> bool:
    """Yes or no; an empty cell is a no."""
    said = text(cell).casefold()
    if said not in _YES | _NO:
        raise ValueError("is neither yes nor no: write true or false, yes or no, 1 or 0")
    return said in _YES


def moment(cell: Any, *, day_ends: bool = False) -> int | None:
    """ISO 8601; without a zone it is UTC. A day alone is its start, or the end of it.

    Units: Unix milliseconds.
    """
    said = text(cell)
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError as exc:
        message = "is no ISO 8601 moment: write 2026-11-24 or 2026-11-24T09:30:00+01:00"
        raise ValueError(message) from exc
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    # In whole numbers: a float of seconds would lose a millisecond here and there.
    ms = (found - _EPOCH) // _MILLISECOND
    return min(ms + _DAY_MS, _LAST_MS) if day_ends and _DAY_ONLY.fullmatch(said) else ms


def moment_text(ms: int) -> str:
    """The text that `moment` reads as that time. Units: Unix milliseconds."""
    found = _EPOCH + max(_FIRST_MS, min(ms, _LAST_MS)) * _MILLISECOND
    return found.isoformat(timespec="milliseconds")


def parts(cell: Any, split: str) -> list[str]:
    """The parts of a list: of JSON, by a separator, or the one that the cell is."""
    if isinstance(cell, list):
        return [part for one in cell if (part := text(one))]
    said = text(cell)
    if not split or not said:
        return [said] if said else []
    if split == JSON:
        return parts(_json(said, list, "JSON list"), split)
    return [part for one in said.split(split) if (part := one.strip())]


def weights(cell: Any, split: str, weight: float) -> dict[str, float]:
    """Ids to weights: a JSON object, or a list whose parts weigh the same."""
    if split == JSON and isinstance(cell, str) and cell.strip().startswith("{"):
        cell = _json(cell, dict, "JSON object")
    if isinstance(cell, Mapping):
        return {str(key): number(value, 0, 1) or 0.0 for key, value in cell.items()}
    return dict.fromkeys(parts(cell, split), weight)


def position(cell: Any) -> GeoPoint | None:
    """`lat,lon`, in degrees."""
    if isinstance(cell, list):
        cell = ",".join(map(text, cell))
    said = text(cell)
    if not said:
        return None
    pair = _PAIR.fullmatch(said)
    try:
        lat, lon = (
            (None, None) if pair is None else (number(pair[1], -90, 90), number(pair[2], -180, 180))
        )
    except ValueError:
        lat, lon = None, None
    if lat is None or lon is None:
        raise ValueError("is no lat,lon in degrees: write 52.3752,4.884")
    return GeoPoint(lat, lon)


def vector(cell: Any) -> list[float]:
    """A JSON list of numbers; an empty cell is an empty one."""
    said = text(cell) if not isinstance(cell, list) else cell
    if not said:
        return []
    try:
        found = msgspec.json.decode(said) if isinstance(said, str) else said
        return msgspec.convert(found, list[float])
    except msgspec.DecodeError as exc:
        raise ValueError("is not a JSON list of numbers") from exc


def _json(said: str, kind: type, name: str) -> Any:
    try:
        found = msgspec.json.decode(said)
    except msgspec.DecodeError as exc:
        raise ValueError(f"is not a {name}") from exc
    if not isinstance(found, kind):
        raise ValueError(f"is not a {name}")  # noqa: TRY004 - a value from outside, not a bug
    return found
