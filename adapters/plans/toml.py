"""Reads an event plan from a TOML file, or one that comes with the project by name."""

from importlib.resources import files
from pathlib import Path

import msgspec

from core.errors import ConfigError
from core.plan import EventPlan

DEFAULT_PLAN = "in_memorial"


def bundled_plans() -> list[str]:
    """The names of the plans that come with the project."""
    folder = files("adapters.plans").iterdir()
    return sorted(Path(entry.name).stem for entry in folder if entry.name.endswith(".toml"))


def read_plan(name_or_path: str) -> EventPlan:
    """Read a bundled plan by its name, or a file by its path.

    Raises: ConfigError saying what is wrong and where.
    """
    bundled = name_or_path in bundled_plans()
    folder = Path(str(files("adapters.plans")))
    path = folder / f"{name_or_path}.toml" if bundled else Path(name_or_path)
    try:
        return msgspec.toml.decode(path.read_bytes(), type=EventPlan)
    except OSError as exc:
        known = ", ".join(bundled_plans())
        raise ConfigError(
            f"EVENT_PLAN={name_or_path!r}: {exc.strerror}; a path, or one of {known}"
        ) from exc
    except (msgspec.ValidationError, msgspec.DecodeError) as exc:
        raise ConfigError(f"EVENT_PLAN={name_or_path!r}: {exc}") from exc
