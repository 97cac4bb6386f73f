"""Every command of `ai-engine` tells how it is used, what it misses, and its pace."""

import asyncio
from time import monotonic

import pytest
from click.testing import CliRunner

from deploy.cli import main
from deploy.operate.content import content
from deploy.operate.erase import erase
from deploy.operate.keys import key
from deploy.operate.pacing import RateLimit

COMMANDS = (
    (),
    ("run",),
    ("demo",),
    ("settings",),
    ("status",),
    ("replay",),
    ("rebuild",),
    ("verify",),
    ("dead-letter",),
    ("content",),
    ("key",),
    ("erase",),
    ("export-user",),
    ("train",),
    ("replay-answers",),
    ("simulate",),
    ("evaluate",),
    *(("key", name) for name in sorted(key.commands)),
    *(("content", name) for name in sorted(content.commands)),
    *(("dead-letter", name) for name in ("list", "show", "replay", "drop")),
)
NEEDING_REDIS = (
    ("status",),
    ("replay", __file__),
    ("rebuild",),
    ("verify",),
    ("dead-letter", "list"),
    ("dead-letter", "show", "1-0"),
    ("dead-letter", "replay", "--all"),
    ("dead-letter", "drop", "--all"),
    ("content", "publish"),
    ("erase", "ada"),
    ("export-user", "ada"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_tells_how_it_is_used(command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*command, "--help"], env={"REDIS_URL": ""})
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: ")


def test_no_command_is_left_out_here() -> None:
    assert {command[0] for command in COMMANDS if command} == set(main.commands)


@pytest.mark.parametrize("command", NEEDING_REDIS, ids=lambda command: " ".join(command[:2]))
def test_without_a_redis_url_a_command_says_so(command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, list(command), env={"REDIS_URL": ""})
    assert done.exit_code == 1
    assert "REDIS_URL is unset" in done.stderr
    assert isinstance(done.exception, SystemExit), "said, and not thrown"


async def test_a_rate_limit_waits_for_what_is_ahead_of_its_average() -> None:
    limit, started_s = RateLimit(100), monotonic()
    for _ in range(3):
        await limit.spend(10)
    assert monotonic() - started_s >= 0.3
    free = RateLimit(None)
    async with asyncio.timeout(0.2):
        await free.spend(10**9)


async def test_a_rate_limit_does_not_make_up_for_a_pause() -> None:
    limit = RateLimit(100)
    await asyncio.sleep(0.3)
    started_s = monotonic()
    await limit.spend(10)
    assert monotonic() - started_s >= 0.1


def test_letters_are_named_or_all_of_them_meant_and_not_both() -> None:
    environ = {"REDIS_URL": "redis://127.0.0.1:1"}
    done = CliRunner().invoke(main, ["dead-letter", "drop", "1-1", "--all"], env=environ)
    assert done.exit_code == 2
    assert "not both" in done.stderr


@pytest.mark.parametrize(
    ("words", "only_looks"),
    [
        ("ada", False),
        ("ada --verify", False),
        ("--json ada --verify", False),
        ("--id phone ada --verify", False),
        ("--verify ada", True),
        ("--verify --json ada", True),
        ("--json --verify --id phone ada", True),
        ("--id phone --verify ada", True),
        ("--verify -- -ada", True),
    ],
)
def test_to_look_is_not_to_erase(words: str, *, only_looks: bool) -> None:
    with erase.make_context("erase", words.split()) as context:
        assert context.meta["only_looks"] is only_looks
