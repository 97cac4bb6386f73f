"""Fills a settings struct from environment variables and names every bad one.

The variable of a field is its path in capitals: `weights.geo` in the section
`RANKING` is `RANKING_WEIGHTS_GEO`. The environment is an argument: nothing is
read at import, and a test passes a dict.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from core.errors import ConfigError

SECRETS = frozenset(
    {
        "INGEST_API_KEY",
        "POSTHOG_API_KEY",
        "QDRANT_API_KEY",
        "REDIS_PASSWORD",
        "REDIS_URL",
        "SERVE_API_KEY",
        "TOMBSTONE_KEY",
    }
)
"""Settings whose values nothing may show; a file may hold each (`adapters.secret_files`)."""

T = TypeVar("T", bound=msgspec.Struct)


def load(settings: type[T], environ: Mapping[str, str], known_sections: Sequence[str] = ()) -> T:
    """Build `settings` from its defaults and what `environ` overrides.

    Under the prefixes of `known_sections` a variable that no field has is bad
    too, so that a misspelt tunable is not ignored in silence.

    Raises: ConfigError naming every bad variable, its value unless that is secret, and
        what is wrong.
    """
    problems: list[str] = []
    values = _overrides(settings, environ, "", problems)
    problems += _unknown(settings, environ, known_sections)
    if problems:
        raise ConfigError("bad settings:\n  " + "\n  ".join(problems))
    try:
        return msgspec.convert(values, settings)
    except msgspec.ValidationError as exc:
        raise ConfigError(f"bad settings: {exc}") from exc


def variables(settings: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every variable that `load` understands, with its default."""
    for field in msgspec.structs.fields(settings):
        name = f"{prefix}{field.name.upper()}"
        nested = _section(field.type)
        if nested is None:
            default = field.default
            yield name, ",".join(default) if isinstance(default, tuple) else default
        else:
            yield from variables(nested, f"{name}_")


def _overrides(
    settings: type[msgspec.Struct], environ: Mapping[str, str], prefix: str, problems: list[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        name = f"{prefix}{field.name.upper()}"
        nested = _section(field.type)
        if nested is not None:
            values[field.name] = _overrides(nested, environ, f"{name}_", problems)
        # An empty variable is an unset one, as compose files and charts write it.
        elif text := environ.get(name, "").strip():
            try:
                values[field.name] = _convert(text, field.type)
            except msgspec.ValidationError as exc:
                problems.append(f"{_shown(name, text)}: {exc}")
    return values


def _shown(name: str, text: str) -> str:
    return name if name in SECRETS else f"{name}={text!r}"


def _convert(text: str, wanted: Any) -> Any:
    """Read a value: several ones are separated by commas, numbers may be as `.5`."""
    if getattr(wanted, "__origin__", None) is tuple:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return msgspec.convert(parts, wanted, strict=False)
    try:
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.ValidationError:
        try:
            number = float(text)
        except ValueError:
            number = None
        if number is None:
            raise
        return msgspec.convert(number, wanted)


def _unknown(
    settings: type[msgspec.Struct], environ: Mapping[str, str], known_sections: Sequence[str]
) -> list[str]:
    known = [name for name, _ in variables(settings)]
    sections = tuple(f"{section.upper()}_" for section in known_sections)
    problems = []
    for name in sorted(environ):
        if name.startswith(sections) and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{name}: there is no such setting{hint}")
    return problems


def _section(wanted: Any) -> type[msgspec.Struct] | None:
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return wanted
    return None
