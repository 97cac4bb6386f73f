"""`ai-engine key`: keys that are shown once, and a file of digests that the services can use."""

import json
import re
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.http.key_file import read_keys
from core.http.keys import digest_of
from deploy.cli import main


def key(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["key", *map(str, arguments)], env={"KEYS_FILE": ""})
    assert done.exit_code == code, done.output
    return done


def digests(file: Path) -> dict[str, bytes]:
    return {one.name: one.digest for one in read_keys(file.read_bytes())}


def test_a_new_key_is_random_and_printed_with_the_lines_for_the_file() -> None:
    made, lines = key("new", "app", "--right", "recommend", "--right", "personal").stdout.split(
        "\n", 1
    )
    assert re.fullmatch(r"[\w-]{43}", made)
    [found] = read_keys(lines.encode())
    assert (found.name, found.digest) == ("app", digest_of(made.encode()))
    assert found.rights == {"recommend", "personal"}
    assert made not in lines
    assert made not in key("new", "app", "--right", "recommend").stdout


def test_a_key_is_added_to_a_file_replaced_and_dropped(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    rudder = key("new", "rudder", "--right", "ingest", "--file", file).stdout.strip()
    first = key("new", "app", "--right", "recommend", "--file", file).stdout.strip()
    second = key("new", "app", "--right", "recommend", "--file", file)
    assert "the former key called app is withdrawn" in second.stderr
    assert digests(file) == {
        "rudder": digest_of(rudder.encode()),
        "app": digest_of(second.stdout.strip().encode()),
    }
    assert not any(made in file.read_text() for made in (rudder, first, second.stdout.strip()))
    key("drop", "app", "--file", file)
    key("drop", "rudder", "--file", file)
    assert digests(file) == {}
    assert list(tmp_path.iterdir()) == [file]


def test_the_list_names_keys_rights_and_ends_and_no_digest(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    key("new", "rudder", "--right", "ingest", "--expires", "2999-12-31", "--file", file)
    key("new", "app", "--right", "recommend", "--right", "operate", "--file", file)
    text = file.read_text() + '[keys.old]\nkey = "plain-text"\nrights = ["ingest"]\n'
    file.write_text(text + "expires = 2020-01-01T12:00:00\n")
    shown = key("list", "--file", file).stdout
    assert shown.splitlines() == [
        "rudder  ingest  until 2999-12-31",
        "app  recommend,operate",
        "old  ingest  until 2020-01-01T12:00:00  (expired)",
    ]
    listed = json.loads(key("list", "--json", "--file", file).stdout)["keys"]
    assert [(one["name"], one["is_expired"]) for one in listed] == [
        ("rudder", False),
        ("app", False),
        ("old", True),
    ]
    assert set(listed[0]) == {"name", "rights", "expires", "is_expired"}


@pytest.mark.parametrize("expires", ["2999-01-31", "2999-01-31T12:00:00+02:00"])
def test_an_end_is_written_as_it_was_given(tmp_path: Path, expires: str) -> None:
    file = tmp_path / "keys.toml"
    key("new", "a", "--right", "ingest", "--expires", expires, "--file", file)
    written = tomllib.loads(file.read_text())["keys"]["a"]["expires"]
    assert written.isoformat() == expires


def test_who_may_read_the_file_stays_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "real.toml", tmp_path / "keys.toml"
    key("new", "a", "--right", "ingest", "--file", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    file.chmod(0o640)
    link.symlink_to("real.toml")
    key("new", "b", "--right", "ingest", "--file", link)
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert set(digests(file)) == {"a", "b"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("new", "a key", "--right", "ingest"), 1),
        (("new", "setting-1", "--right", "ingest"), 1),
        (("new", "a"), 2),
        (("new", "a", "--right", "everything"), 2),
        (("new", "a", "--right", "ingest", "--expires", "soon"), 1),
        (("new", "a", "--right", "ingest", "--expires", "2020-01-01"), 1),
        (("list", "--file", "/nowhere/keys.toml"), 1),
        (("drop", "a", "--file", "/nowhere/keys.toml"), 1),
        (("list",), 2),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], code: int) -> None:
    assert "Error: " in key(*arguments, code=code).stderr


def test_a_file_that_the_services_could_not_use_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text("[keys.a]\n")
    for arguments in (("new", "b", "--right", "ingest"), ("drop", "a"), ("list",)):
        assert "keys.a: it must have" in key(*arguments, "--file", file, code=1).stderr
    assert file.read_text() == "[keys.a]\n"
