"""What is installed is all that there is: an image has no checkout around it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = project["tool"]["setuptools"]["packages"]
    found = [
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in project["tool"]["importlinter"]["root_packages"]
        for path in (ROOT / top).rglob("__init__.py")
    ]
    assert sorted(installed) == sorted(found)
