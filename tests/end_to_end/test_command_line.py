"""`ai-engine run` and `ai-engine demo`, as a newcomer uses them."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import httpx
import pytest

from deploy.local import LocalStack
from deploy.valkey import free_port, valkey_binary
from tests.catalogues.files import BENCHES, items
from tests.end_to_end.client import Pipeline, eventually
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.conftest import ENVIRON

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


class Run:
    """A running `ai-engine run` and what it printed so far."""

    started: ClassVar[list["Run"]] = []

    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        self.output = folder / f"output-{uuid4()}"
        self.ports = (free_port(), free_port())
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "deploy.cli",
                    "run",
                    "--folder",
                    str(folder / "run"),
                    *options,
                ],
                env=ENVIRON
                | {
                    "REDIS_URL": "",
                    "INGEST_PORT": str(self.ports[0]),
                    "SERVE_PORT": str(self.ports[1]),
                }
                | environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.started.append(self)
        self.pipeline = Pipeline(*(f"http://127.0.0.1:{port}" for port in self.ports))

    def curl_lines(self) -> list[list[str]]:
        text = eventually(lambda: (t := self.output.read_text()).count("curl -s") == 3 and t)
        joined = text.replace("\\\n", " ")
        return [shlex.split(line) for line in re.findall(r"^ +(curl .*)$", joined, re.MULTILINE)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for run in Run.started:
        run.process.kill()
        run.process.wait()
    Run.started.clear()
    # Whatever a failed test left is ended as the next `run` would end it.
    from deploy.leftovers import ProcessRecord  # noqa: PLC0415

    ProcessRecord(tmp_path / "run" / "processes.json").end_leftovers()


def curl(arguments: list[str]) -> httpx.Response:
    """What curl does with the few options that the printed lines use."""
    url, headers, data = "", {}, None
    words = iter(arguments[2:])
    for word in words:
        if word.startswith("--retry") or word == "-f":
            if word in ("--retry", "--retry-delay"):
                next(words)
            continue
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words)
        else:
            url = word
    return (
        httpx.post(url, content=data, headers=headers) if data else httpx.get(url, headers=headers)
    )


@pytest.mark.parametrize("options", [(), ("--memory",)])
def test_run_prints_three_curl_lines_that_work(folder: Path, options: tuple[str, ...]) -> None:
    run = Run(folder, *options)
    send, model, recommend = run.curl_lines()
    assert curl(send).json() == {"accepted": 1}
    run.pipeline.model_of("ada", events=1)
    known = curl(model).json()
    assert known["positives"]
    answer = curl(recommend).json()
    assert len(answer["items"]) == 5
    assert not set(known["viewed"]) & {item["content_id"] for item in answer["items"]}
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(timeout=20) == 0


def test_run_serves_another_catalogue(folder: Path) -> None:
    other = folder / "other.jsonl"
    lines = [f'{{"id": {n}, "title": "Item {n}", "tags": ["kind:K{n % 2}"]}}' for n in range(12)]
    other.write_text("\n".join([*lines, '{"id": "broken"}']))
    run = Run(folder, CATALOGUE=str(other))
    run.curl_lines()
    assert set(run.pipeline.ids("somebody", limit=12)) == {str(n) for n in range(12)}
    assert "line 13" in run.output.read_text()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0


def test_run_serves_what_was_imported(folder: Path) -> None:
    imported = folder / "catalogue.jsonl"
    done = ai_engine("content", "import", BENCHES, "--map", "id=inv", "--catalogue", imported)
    assert "8 rows left out" in done.stdout
    assert ai_engine("content", "hide", "B-004", "--catalogue", imported).returncode == 0
    run = Run(folder, "--memory", CATALOGUE=str(imported))
    run.curl_lines()
    served = set(run.pipeline.ids("somebody", limit=20))
    assert served == set(items(BENCHES, "id=inv")) - {"B-004"}
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0


def test_run_in_memory_follows_a_file_of_keys(folder: Path) -> None:
    file = folder / "keys.toml"
    new = ("key", "new", "mine", "--right", "ingest", "--right", "personal", "--file", file)
    key = ai_engine(*new).stdout.strip()
    run = Run(folder, "--memory", KEYS_FILE=str(file))
    run.curl_lines()
    model = f"{run.pipeline.serve_url}/api/usermodel?user_id=nobody"

    def statuses(key: str) -> tuple[int, int]:
        asked = httpx.get(model, headers={"X-API-Key": key})
        return run.pipeline.post(b"{}", X_API_Key=key).status_code, asked.status_code

    assert statuses("") == (401, 401)
    assert statuses(key) == (200, 404)
    assert ai_engine("key", "drop", "mine", "--file", file).returncode == 0
    eventually(lambda: statuses(key) == (401, 401))
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0


def test_run_after_a_kill_ends_what_was_left_and_keeps_the_data(folder: Path) -> None:
    first = Run(folder)
    curl(first.curl_lines()[0])
    first.pipeline.model_of("ada", events=1)
    first.process.kill()
    first.process.wait()
    second = Run(folder)
    second.curl_lines()
    assert second.pipeline.model_of("ada", events=1)["window"]["events"] == 1
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{first.pipeline.ingest_url}/healthz")
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(timeout=20) == 0


def test_a_second_run_in_the_same_folder_leaves_the_first_alone(folder: Path) -> None:
    first = Run(folder)
    first.curl_lines()
    second = Run(folder)
    assert second.process.wait(timeout=20) == 1
    assert f"in use by process {first.process.pid}" in second.output.read_text()
    assert first.process.poll() is None
    first.process.send_signal(signal.SIGHUP)
    assert first.process.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    first = Run(folder)
    first.curl_lines()
    second = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "run", "--folder", str(folder / "second")],
        env=ENVIRON | {"REDIS_URL": "", "INGEST_PORT": str(first.ports[0])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert f"INGEST_PORT={first.ports[0]}" in second.stderr
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(timeout=20) == 0


def test_the_demo_tells_the_day() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "demo"],
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.split("What was learnt")
    assert "varied list" in before
    assert "Anne Frank's hiding place (+" in after
    assert "St. Nikolai (-" in after
    assert "because of" in after


def test_dead_letters_are_looked_at_sent_again_and_dropped(folder: Path) -> None:
    def dead_letter(*arguments: str, url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", "dead-letter", *arguments],
            env=ENVIRON | {"REDIS_URL": url},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    with LocalStack(
        folder, ingest_port=free_port(), serve_port=free_port(), environ=ENVIRON | {"REDIS_URL": ""}
    ) as stack:
        pipeline, url = Pipeline(stack.ingest_url, stack.serve_url), stack.redis_url
        pipeline.post([{"type": "track", "messageId": "lost"}, {"type": "warp", "userId": "u"}])
        listed = eventually(
            lambda: (
                (lines := dead_letter("list", "--json", url=url).stdout.splitlines())
                and len(lines) == 2
                and lines
            )
        )
        newest, oldest = (json.loads(line) for line in listed)
        assert (oldest["reason"], oldest["message_id"]) == ("no_user", "lost")
        shown = dead_letter("show", newest["letter_id"], url=url)
        assert json.loads(shown.stdout) == {"type": "warp", "userId": "u"}
        assert dead_letter("list", "--reason", "no_user", url=url).stdout.count("no_user") == 1
        # Nothing was mended, so what is sent again comes back under a new id.
        assert dead_letter("replay", oldest["letter_id"], url=url).stdout == "1 sent again\n"
        eventually(lambda: len(dead_letter("list", "--json", url=url).stdout.splitlines()) == 2)
        missing = dead_letter("show", oldest["letter_id"], url=url)
        assert (missing.returncode, "there is no dead letter" in missing.stderr) == (1, True)
        assert dead_letter("drop", "nonsense", url=url).returncode == 1
        assert dead_letter("drop", url=url).returncode == 2
        assert dead_letter("drop", "--all", url=url).stdout == "2 dropped\n"
        assert dead_letter("list", url=url).stderr == "no dead letters\n"
    away = dead_letter("list", url=url)
    assert away.returncode == 1
    assert "Traceback" not in away.stderr
    assert "REDIS_URL" in dead_letter("list", url="").stderr
