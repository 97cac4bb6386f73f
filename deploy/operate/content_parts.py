"""What the commands over the catalogue work with: its repository, as the settings say."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from adapters.contents import open_content_repository
from adapters.logs import configure_logs
from adapters.settings import SharedSettings, read_settings
from core.errors import EngineError
from core.ports import ContentRepository

T = TypeVar("T")
Command = Callable[..., Any]


def catalogue_option(command: Command) -> Command:
    """The option that names a catalogue file instead of the settings."""
    return click.option(
        "--catalogue",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The catalogue file to work on, instead of QDRANT_API_URL or CATALOGUE.",
    )(command)


def json_option(command: Command) -> Command:
    """The option that asks for the outcome as JSON."""
    return click.option("--json", "as_json", is_flag=True, help="As one JSON object.")(command)


def with_settings(work: Callable[[SharedSettings], Awaitable[T]]) -> T:
    """Run a command's work with the settings of the environment.

    Raises: click.ClickException with what the project's own errors say.
    """
    try:
        settings = read_settings(SharedSettings, os.environ)
        configure_logs(settings.log_format, "error")  # the command's output is its own
        return asyncio.run(_awaited(work, settings))
    except EngineError as exc:
        raise click.ClickException(str(exc)) from exc


def with_repository(file: Path | None, work: Callable[[ContentRepository], Awaitable[T]]) -> T:
    """Run a command's work over the catalogue.

    Raises: click.ClickException with what the project's own errors say.
    """

    async def run(settings: SharedSettings) -> T:
        async with open_content_repository(settings, file, or_bundled=True) as repository:
            return await work(repository)

    return with_settings(run)


async def _awaited(work: Callable[[SharedSettings], Awaitable[T]], settings: SharedSettings) -> T:
    return await work(settings)
