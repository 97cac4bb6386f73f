"""The file of keys: named ones with their rights, known by their digests.

A problem is told with the name of the key and what is wrong, never with what
stands there: somebody may have put a key in the wrong place.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, cast, get_args

from core.errors import ConfigError
from core.http.keys import SETTING_NAME, Key
from core.http.operation import Right

RIGHTS: tuple[Right, ...] = get_args(Right)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""Shorter than the keys that `ai-engine key new` makes: none of them passes as a name."""
_NAME_WORDS = (
    "1 to 32 letters, digits, dots, underscores or hyphens, the first a letter or a digit, "
    f"and not {SETTING_NAME}…"
)
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_DAY_S = 86_400
_FIELDS = {"sha256", "key", "rights", "expires"}


def read_keys(content: bytes) -> tuple[Key, ...]:
    """The keys of a file. Raises: ConfigError naming every problem."""
    problems: list[str] = []
    keys = list(_keys(keys_table(content), problems))
    problems += _twins(keys)
    if problems:
        raise ConfigError("; ".join(problems))
    return tuple(keys)


def keys_table(content: bytes) -> dict[str, Any]:
    """What stands in the file under `keys`.

    An empty file is none without keys but one that is just being written.

    Raises: ConfigError.
    """
    try:
        table = tomllib.loads(content.decode())
    except tomllib.TOMLDecodeError as exc:
        place = re.search(r"\(at [^()]*\)$", str(exc))
        raise ConfigError(f"it is no TOML {place[0] if place else ''}".rstrip()) from None
    except UnicodeDecodeError:
        raise ConfigError("it is no TOML: it is not UTF-8") from None
    keys = table.get("keys")
    if not isinstance(keys, dict):
        raise ConfigError("it has no table [keys]")
    if set(table) != {"keys"}:
        raise ConfigError("beside [keys] there is something else")
    return keys


def is_name(name: str) -> bool:
    """Whether a key may be called so."""
    return bool(_NAME.fullmatch(name)) and not name.startswith(SETTING_NAME)


def expiry_s(expires: date | datetime) -> float:
    """The Unix second from which a key is none: of a day its end; a time without zone is UTC."""
    if not isinstance(expires, datetime):
        return datetime.combine(expires, time(), UTC).timestamp() + _DAY_S
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    return expires.timestamp()


def _keys(table: Mapping[str, Any], problems: list[str]) -> Iterator[Key]:
    for place, (name, entry) in enumerate(table.items(), 1):
        if not is_name(name):
            problems.append(f"key number {place}: its name must be {_NAME_WORDS}")
            continue
        wrong = list(_problems_of(entry))
        problems += (f"keys.{name}: {one}" for one in wrong)
        if not wrong:
            yield _key(name, entry)


def _problems_of(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"it must be a table [keys.NAME] of {', '.join(sorted(_FIELDS))}"
        return
    if not set(entry) <= _FIELDS:
        yield f"it has something else than {', '.join(sorted(_FIELDS))}"
    if ("sha256" in entry) == ("key" in entry):
        yield "it must have one of sha256 and key"
    if "sha256" in entry and not _is_text(entry["sha256"], _DIGEST):
        yield "sha256 must be the 64 hex digits of the key's SHA-256"
    if "key" in entry and not (isinstance(entry["key"], str) and entry["key"].strip()):
        yield "key must be a text that is not empty"
    rights = entry.get("rights")
    if not isinstance(rights, list) or not rights or not all(one in RIGHTS for one in rights):
        yield f"rights must be a list of {', '.join(RIGHTS)}"
    if "expires" in entry and not isinstance(entry["expires"], date):
        yield "expires must be a date or a time, such as 2027-01-31, without quotes"


def _is_text(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _key(name: str, entry: Mapping[str, Any]) -> Key:
    expires = entry.get("expires")
    expires_s = None if expires is None else expiry_s(expires)
    rights = cast("Sequence[Right]", entry["rights"])
    if "key" in entry:
        return Key.of(entry["key"].strip(), name, rights, expires_s)
    digest = bytes.fromhex(entry["sha256"])
    return Key(name=name, digest=digest, rights=frozenset(rights), expires_s=expires_s)


def _twins(keys: Sequence[Key]) -> Iterator[str]:
    """Of two names for one key nobody could say which was used."""
    names: dict[bytes, str] = {}
    for key in keys:
        if (first := names.setdefault(key.digest, key.name)) != key.name:
            yield f"keys.{key.name} is the same key as keys.{first}"
