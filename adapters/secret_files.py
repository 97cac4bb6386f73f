"""Secret settings from files, as containers are given them: X_FILE is the path of X."""

from collections.abc import Mapping
from pathlib import Path

from core.environment import SECRETS
from core.errors import ConfigError

SUFFIX = "_FILE"


def with_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables with the secrets that lie in files in the place of their paths.

    Raises: ConfigError naming every file that cannot be used, and who is given twice.
    """
    found, problems = dict(environ), []
    for name in sorted(SECRETS):
        path = found.pop(f"{name}{SUFFIX}", "").strip()
        if not path:
            continue
        if found.get(name, "").strip():
            problems.append(f"{name} and {name}{SUFFIX} are both set: one of them must go")
            continue
        try:
            found[name] = _content(Path(path))
        except ConfigError as exc:
            problems.append(f"{name}{SUFFIX}={path!r}: {exc}")
    if problems:
        raise ConfigError("bad settings:\n  " + "\n  ".join(problems))
    return found


def _content(path: Path) -> str:
    """A file that holds nothing would leave open what it was to close. Raises: ConfigError."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(exc.strerror or "it cannot be read") from None
    except UnicodeDecodeError:
        raise ConfigError("it is not UTF-8") from None
    if not text:
        raise ConfigError("there is nothing in it")
    return text
