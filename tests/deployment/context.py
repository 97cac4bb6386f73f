"""What a build sees of the top folder: the rules of .dockerignore."""

import re
from collections.abc import Sequence


def read_rules(text: str) -> list[str]:
    """The patterns in their order."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def is_sent(path: str, rules: Sequence[str]) -> bool:
    """Whether a file reaches the build: the last rule that matches decides."""
    sent = True
    for rule in rules:
        if _matches(path, rule.removeprefix("!")):
            sent = rule.startswith("!")
    return sent


def _matches(path: str, pattern: str) -> bool:
    """A pattern matches a path or a folder above it; `*` stays within one name."""
    expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return re.fullmatch(f"{expression}(?:/.*)?", path) is not None
