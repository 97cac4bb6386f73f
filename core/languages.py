"""Languages of items as BCP 47 writes them; `de` covers `de-AT`, and `de-AT` covers `de`.

Source: RFC 5646, and for what matches what RFC 4647, sections 3.3.1 and 3.4.
"""

import re

_SUBTAG = re.compile(r"[^\W_]+")


def language_key(language: str | None) -> str:
    """The form in which two spellings of a language are equal; "" where there is none."""
    return "-".join(_SUBTAG.findall((language or "").casefold()))


def language_prefixes(key: str) -> list[str]:
    """A keyed language and all that it is a part of, the widest first: `de`, `de-at`."""
    subtags = key.split("-") if key else []
    return ["-".join(subtags[: count + 1]) for count in range(len(subtags))]


def languages_meet(key: str, other: str) -> bool:
    """Whether one keyed language begins with the other; what states none meets every one."""
    if not key or not other:
        return True
    return f"{key}-".startswith(f"{other}-") or f"{other}-".startswith(f"{key}-")
