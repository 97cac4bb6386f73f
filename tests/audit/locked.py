"""What a lock file pins for the machine at hand."""

from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def locked(text: str) -> Iterator[tuple[str, str]]:
    """Name and version of each pinned package; those of other platforms are left out."""
    for line in text.splitlines():
        if line[:1].strip() in ("", "#", "-"):
            continue
        pinned = Requirement(line.rstrip("\\ "))
        if pinned.marker is None or pinned.marker.evaluate():
            [version] = pinned.specifier
            yield canonicalize_name(pinned.name), version.version
