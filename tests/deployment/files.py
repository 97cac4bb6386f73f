"""The files of the deployment, read as the tools read them that use them."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deployment.containerfile import Stage, read_stages
from tests.deployment.processes import PROCESSES, SETTINGS

TOP = Path(__file__).parents[2]
CONTAINERFILE = "deploy/image/Containerfile"
COMPOSE = "deploy/compose/compose.yaml"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def stages(top: Path = TOP) -> list[Stage]:
    """The stages of the image."""
    return read_stages((top / CONTAINERFILE).read_text(encoding="utf-8"))


def image_environment(top: Path = TOP) -> dict[str, str]:
    """What the image sets by itself."""
    words = [word for text in stages(top)[-1].texts("ENV") for word in shlex.split(text)]
    return dict(word.split("=", 1) for word in words)


def image_user() -> int:
    """The number that the image runs as, user and group alike."""
    [text] = stages()[-1].texts("USER")
    user, group = map(int, text.split(":"))
    if user != group:
        raise ValueError(f"USER {text}: one number was expected")
    return user


def port_of(process: str) -> int:
    """The port of a process in a container: the image's word, else the setting's default."""
    name = f"{PROCESSES[process].prefix}_PORT"
    return int(image_environment().get(name) or SETTINGS[name])


def settings_file(path: Path) -> dict[str, str]:
    """A file of NAME=value lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def compose(environ: Mapping[str, str], top: Path = TOP) -> Any:
    """The compose file with its variables filled in. Raises: KeyError for a demanded one."""

    def value(found: re.Match[str]) -> str:
        name, kind, text = found.groups()
        if given := environ.get(name):
            return given
        if kind != "-":
            raise KeyError(name)
        return str(text)

    return yaml.safe_load(_VARIABLE.sub(value, (top / COMPOSE).read_text(encoding="utf-8")))


def example_environ(top: Path = TOP) -> dict[str, str]:
    """What a newcomer's .env says."""
    return settings_file((top / COMPOSE).with_name(".env.example"))
