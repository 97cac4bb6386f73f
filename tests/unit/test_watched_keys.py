"""KEYS_FILE, followed: every way to change it, none that leaves the service without its keys."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.typing import EventDict

from adapters.keys.metrics import KeyMetrics
from adapters.keys.watched import WatchedKeys
from core.errors import ConfigError
from core.http.gate import Entry
from core.http.keys import Key, setting_keys
from core.http.senders import sender_of

EVERY_S = 0.02
OWN = setting_keys("the-key-of-the-setting", "INGEST_API_KEY", ["ingest"])


def entries(*names: str) -> str:
    """A file of keys, each the digest of its name."""
    digests = {name: sha256(name.encode()).hexdigest() for name in names}
    return "[keys]\n" + "".join(
        f'[keys.{name}]\nsha256 = "{digest}"\nrights = ["ingest"]\n'
        for name, digest in digests.items()
    )


class Watch:
    """What a file's keys are, as a service sees them."""

    def __init__(self, path: Path, own: Sequence[Key] = ()) -> None:
        self.registry = CollectorRegistry()
        metrics = KeyMetrics(self.registry)
        self.keys = WatchedKeys(path, own, ["ingest", "operate"], metrics)

    def names(self) -> list[str]:
        return [key.name for key in self.keys.ring().keys]

    def is_current(self) -> bool:
        return self.registry.get_sample_value("ai_engine_keys_file_current") == 1

    async def see(self, *names: str, current: bool = True) -> None:
        """Wait until these are the keys."""
        until_s = monotonic() + 20
        while (self.names(), self.is_current()) != ([*names], current):
            assert monotonic() < until_s, self.names()
            await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(path: Path, own: Sequence[Key] = ()) -> AsyncIterator[Watch]:
    watch = Watch(path, own)
    task = asyncio.create_task(watch.keys.run(EVERY_S))
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def replace(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


async def test_a_file_is_followed_and_keys_of_the_setting_stay(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(entries("old"))
    async with watching(path, OWN) as watch:
        assert watch.names() == ["old", "setting-1"]
        replace(path, entries("old", "new"))
        await watch.see("old", "new", "setting-1")
        path.write_text(entries("new"))
        await watch.see("new", "setting-1")
        path.write_text(entries())
        await watch.see("setting-1")


async def test_a_mounted_secret_changes_by_the_link_to_its_folder(tmp_path: Path) -> None:
    """As Kubernetes does it: keys.toml -> ..data/keys.toml, ..data -> a folder of a date."""
    for folder, name in (("..1", "old"), ("..2", "new")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "keys.toml").write_text(entries(name))
        os.utime(tmp_path / folder / "keys.toml", (1, 1))
    (tmp_path / "..data").symlink_to("..1")
    path = tmp_path / "keys.toml"
    path.symlink_to("..data/keys.toml")
    async with watching(path) as watch:
        assert watch.names() == ["old"]
        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        await watch.see("new")


@pytest.mark.parametrize("text", ["", "[keys", "[keys.a]\n", entries("new")[:-3]])
async def test_a_file_that_cannot_be_used_leaves_the_keys_and_is_told_once(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(entries("old"))
    with structlog.testing.capture_logs() as logs:
        async with watching(path) as watch:
            replace(path, text)
            await watch.see("old", current=False)
            await asyncio.sleep(0.3)
            replace(path, entries("new"))
            await watch.see("new")
    assert [line["log_level"] for line in logs_of(logs, "keys.refused")] == ["error"]


async def test_a_file_that_is_away_leaves_the_keys_and_one_that_is_back_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(entries("old"))
    with structlog.testing.capture_logs() as logs:
        async with watching(path) as watch:
            path.unlink()
            await watch.see("old", current=False)
            await asyncio.sleep(0.3)
            path.write_text(entries("new"))
            await watch.see("new")
    assert len(logs_of(logs, "keys.refused")) == 1


async def test_of_a_file_that_is_being_written_no_half_is_taken(tmp_path: Path) -> None:
    path, names = tmp_path / "keys.toml", [f"key-{number}" for number in range(30)]
    path.write_text(entries(*names))
    async with watching(path) as watch:
        with path.open("w") as file:
            for name in names:
                file.write(entries(name).removeprefix("[keys]\n"))
                file.flush()
                await asyncio.sleep(0.02)
                assert watch.names() == names
        await asyncio.sleep(0.3)
        await watch.see(*names)


def test_a_file_that_cannot_be_used_at_the_start_names_everything(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    with pytest.raises(ConfigError, match=r"KEYS_FILE=.*No such file"):
        Watch(path)
    path.write_text("[keys.a]\n[keys.b]\n")
    with pytest.raises(ConfigError, match=r"KEYS_FILE=.*keys\.a.*keys\.b"):
        Watch(path)


def logs_of(logs: Sequence[EventDict], event: str) -> list[EventDict]:
    return [line for line in logs if line["event"] == event]


def test_keys_that_could_be_guessed_or_let_nobody_in_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('[keys.a]\nkey = "guessable"\nrights = ["recommend"]\n')
    with structlog.testing.capture_logs() as logs:
        Watch(path)
        Watch(path, setting_keys("long-enough-to-be-safe,short-one", "X", ["ingest"]))
    assert [line["log_level"] for line in logs_of(logs, "keys.missed")] == ["warning"]
    assert [line["key"] for line in logs_of(logs, "key.short")] == ["setting-2"]
    assert "guessable" not in str(logs)
    assert "short-one" not in str(logs)


async def test_the_end_of_a_key_is_shown_as_long_as_there_is_the_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(entries("a") + "expires = 2027-01-31\n")
    async with watching(path) as watch:

        def end() -> float | None:
            name = "ai_engine_key_expires_timestamp_seconds"
            return watch.registry.get_sample_value(name, {"key": "a"})

        assert end() == 1_801_440_000
        replace(path, entries("b"))
        await watch.see("b")
        assert end() is None


def test_numbers_name_keys_and_one_line_a_minute_names_a_hashed_address() -> None:
    registry = CollectorRegistry()
    metrics = KeyMetrics(registry)
    watch = WatchedKeys(None, OWN, ["ingest"], metrics)
    assert [key.name for key in watch.ring().keys] == ["setting-1"]

    def count(key: str, outcome: str) -> float | None:
        labels = {"key": key, "outcome": outcome}
        return registry.get_sample_value("ai_engine_requests_by_key_total", labels)

    assert count("setting-1", "granted") == 0, "a key that nobody uses is seen"
    with structlog.testing.capture_logs() as logs:
        metrics.judged(Entry(verdict="granted", key="setting-1"), "192.0.2.1")
        metrics.judged(Entry(verdict="wrong"), "192.0.2.1")
        for host in ("192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2"):
            metrics.judged(Entry(verdict="throttled", retry_after_s=1), sender_of(host))
    assert (count("setting-1", "granted"), count("", "wrong"), count("", "throttled")) == (1, 1, 4)
    assert [line["event"] for line in logs] == ["key_failures.throttled"] * 2
    assert logs[0]["sender"] != logs[1]["sender"]
    assert "192.0.2" not in str(logs)
    assert "2001" not in str(logs)
