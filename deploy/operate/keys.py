"""`ai-engine key`: makes keys and looks after the file of their digests (KEYS_FILE)."""

import json
import secrets
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from time import time
from typing import Any

import click
import tomli_w

from adapters.partial import whole_file
from core.errors import ConfigError
from core.http.key_file import RIGHTS, expiry_s, is_name, keys_table, read_keys
from core.http.keys import digest_of
from deploy.operate.content_parts import json_option

_KEY_BYTES = 32

file_argument = click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="KEYS_FILE",
    required=True,
    help="The file of keys; KEYS_FILE unless it is given.",
)


@click.group()
def key() -> None:
    """The keys of both services, by name: made, listed and withdrawn without a restart."""


@key.command()
@click.argument("name")
@click.option(
    "--right",
    "rights",
    type=click.Choice(RIGHTS),
    multiple=True,
    required=True,
    help="What the key may do; repeatable.",
)
@click.option("--expires", metavar="DATE", help="Its last day, or the moment of its end (UTC).")
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of keys to add it to; one of the same name is replaced, comments are lost.",
)
def new(name: str, rights: Sequence[str], expires: str | None, file: Path | None) -> None:
    """Make a random key called NAME and print it, this once.

    Only its digest is kept: the lines for the file of keys follow it, unless
    --file names one to write to. Whoever runs the services needs those lines,
    whoever sends requests needs the key.
    """
    if not is_name(name):
        raise click.ClickException("a key's name has 1 to 32 letters, digits, dots, _ or -")
    made = secrets.token_urlsafe(_KEY_BYTES)
    entry: dict[str, Any] = {"sha256": digest_of(made.encode()).hex(), "rights": [*rights]}
    if expires is not None:
        entry["expires"] = _moment(expires)
    if _described(name, entry)["is_expired"]:
        raise click.ClickException("--expires lies in the past")
    if file is None:
        click.echo(f"{made}\n\n{tomli_w.dumps({'keys': {name: entry}})}", nl=False)
        return
    table = _table(file) if file.exists() else {}
    if name in table:
        click.echo(f"the former key called {name} is withdrawn", err=True)
    _write(file, table | {name: entry})
    click.echo(made)


@key.command("list")
@file_argument
@json_option
def list_keys(file: Path, *, as_json: bool) -> None:
    """Each key's name, rights and end."""
    listed = [_described(name, entry) for name, entry in _table(file).items()]
    if as_json:
        click.echo(json.dumps({"keys": listed}))
        return
    for one in listed:
        end = f"until {one['expires']}" if one["expires"] else ""
        past = "(expired)" if one["is_expired"] else ""
        click.echo("  ".join(filter(None, (one["name"], ",".join(one["rights"]), end, past))))


@key.command()
@click.argument("name")
@file_argument
def drop(name: str, file: Path) -> None:
    """Withdraw the key called NAME: within two seconds nobody is let in by it."""
    table = _table(file)
    if name not in table:
        raise click.ClickException(f"there is no key called {name} in {file}")
    del table[name]
    _write(file, table)
    click.echo(f"{name} dropped")


def _table(file: Path) -> dict[str, Any]:
    """The entries of a file that the services could use. Raises: click.ClickException."""
    try:
        content = file.read_bytes()
        read_keys(content)
        return keys_table(content)
    except OSError as exc:
        raise click.ClickException(f"{file}: {exc.strerror}") from exc
    except ConfigError as exc:
        raise click.ClickException(f"{file}: {exc}") from exc


def _write(file: Path, table: dict[str, Any]) -> None:
    """Replace the file at once; a link stays one, and who may read it stays the same."""
    real = file.resolve()
    with whole_file(real) as part:
        part.touch(mode=0o600)
        part.write_text(tomli_w.dumps({"keys": table}), encoding="utf-8")
        if real.exists():
            shutil.copymode(real, part)
        else:
            part.chmod(0o644)  # digests are no secret, and a service is seldom its owner


def _described(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    expires = entry.get("expires")
    return {
        "name": name,
        "rights": entry["rights"],
        "expires": None if expires is None else expires.isoformat(),
        "is_expired": expires is not None and expiry_s(expires) <= time(),
    }


def _moment(text: str) -> date | datetime:
    """A day, or a moment, of which UTC is written down. Raises: click.ClickException."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise click.ClickException("--expires takes a day such as 2027-01-31, or a time") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
