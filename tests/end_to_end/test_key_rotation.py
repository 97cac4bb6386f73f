"""Keys over the real processes: exchanged under load without a restart, and shown nowhere."""

import itertools
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from deploy.local import LocalStack
from deploy.valkey import Valkey, free_port, valkey_binary
from tests.end_to_end.client import eventually
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.operating import Numbers

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")

EVENT = b'{"type": "page", "userId": "ada"}'
RIGHTS = ("--right", "ingest", "--right", "personal", "--right", "recommend")
WITHDRAWN_WITHIN_S = 2.0


class Asking:
    """Both services of a stack, asked with a key."""

    def __init__(self, stack: LocalStack) -> None:
        self._ingest, self._serve = stack.ingest_url, stack.serve_url
        self._http = httpx.Client(timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def ingest(self, key: str) -> int:
        return self._http.post(
            f"{self._ingest}/api/ingest", content=EVENT, headers={"X-API-Key": key}
        ).status_code

    def recommend(self, key: str) -> int:
        return self._http.get(
            f"{self._serve}/api/recommend?user_id=ada", headers={"Authorization": f"Bearer {key}"}
        ).status_code

    def both(self, key: str) -> tuple[int, int]:
        return self.ingest(key), self.recommend(key)


class Load:
    """Asks both services all the time, with each of the keys that are valid."""

    def __init__(self, stack: LocalStack, *keys: str) -> None:
        self.keys = keys
        self.statuses: list[int] = []
        self.slowest_s = 0.0
        self._rounds = [0, 0]
        self._stopping = threading.Event()
        self._asking = [Asking(stack), Asking(stack)]
        self._threads = [
            threading.Thread(target=self._ask, args=(number, ask))
            for number, ask in enumerate([self._asking[0].ingest, self._asking[1].recommend])
        ]

    def __enter__(self) -> Self:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for one in self._threads:
            one.join()
        for asking in self._asking:
            asking.close()

    def use(self, *keys: str) -> None:
        """Ask with these from now on; when it returns, nobody asks with others any more."""
        self.keys = keys
        before = list(self._rounds)
        eventually(
            lambda: all(now > then + 1 for now, then in zip(self._rounds, before, strict=True))
        )

    def _ask(self, number: int, ask: Callable[[str], int]) -> None:
        while not self._stopping.is_set():
            for key in self.keys:
                began = time.monotonic()
                self.statuses.append(ask(key))
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self._rounds[number] += 1
            time.sleep(0.005)


def test_keys_are_exchanged_under_load_without_a_restart_or_a_refusal(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    old = ai_engine("key", "new", "old", *RIGHTS, "--file", file).stdout.strip()
    environ = ENVIRON | {"REDIS_URL": "", "KEYS_FILE": str(file), "SERVE_REQUIRE_KEY": "1"}
    with (
        LocalStack(
            tmp_path / "run", ingest_port=free_port(), serve_port=free_port(), environ=environ
        ) as stack,
        Asking(stack) as asking,
    ):
        pids = {name: one.pid for name, one in stack.processes.items()}
        assert asking.both(old) == (200, 200)
        with Load(stack, old) as load:
            new = ai_engine("key", "new", "new", *RIGHTS, "--file", file).stdout.strip()
            eventually(lambda: asking.both(new) == (200, 200))
            load.use(old, new)
            time.sleep(1)  # as senders change over one by one
            load.use(new)
            assert asking.both(old) == (200, 200)
            assert ai_engine("key", "drop", "old", "--file", file).returncode == 0
            began = time.monotonic()
            eventually(lambda: asking.both(old) == (401, 401))
            took_s = time.monotonic() - began
            time.sleep(0.5)
        assert set(load.statuses) == {200}
        assert len(load.statuses) > 100
        assert took_s < WITHDRAWN_WITHIN_S + 4 * load.slowest_s
        assert {name: one.pid for name, one in stack.processes.items()} == pids
        assert stack.ended() is None
        for url in (stack.ingest_url, stack.serve_url):
            numbers = Numbers(url)
            assert numbers("requests_by_key_total", key="new", outcome="granted") > 10
            before = numbers("requests_by_key_total", key="old", outcome="granted")
            assert before > 0
            asking.both(new)
            again = Numbers(url)("requests_by_key_total", key="old", outcome="granted")
            assert again == before, "the old key is seen to be used no more"
            assert numbers("keys_file_current") == 1


def test_a_file_of_keys_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text('[keys.mine]\nkey = "hunter2-hunter2-hunter2"\nrights = ["everything"]\n')
    environ = ENVIRON | {"REDIS_URL": "", "KEYS_FILE": str(file)}
    stack = LocalStack(
        tmp_path / "run", ingest_port=free_port(), serve_port=free_port(), environ=environ
    )
    with pytest.raises(RuntimeError, match=r"keys\.mine: rights must be") as error, stack:
        pass
    assert "hunter2" not in str(error.value)
    assert "Traceback" not in str(error.value)


SECRETS = {
    name: f"hunter2-{name.lower().replace('_', '-')}-hunter2"
    for name in ("INGEST_API_KEY", "SERVE_API_KEY", "REDIS", "FILED", "GUESS")
}


@pytest.fixture
def secretive(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack whose secrets all lie in files."""
    valkey = Valkey(tmp_path / "valkey")  # whose one user has any password
    valkey.start()
    environ = ENVIRON | {"KEYS_FILE": str(tmp_path / "keys.toml")}
    environ.pop("REDIS_URL", None)
    in_files = {name: SECRETS[name] for name in ("INGEST_API_KEY", "SERVE_API_KEY")} | {
        "REDIS_URL": valkey.url.replace("//", f"//default:{SECRETS['REDIS']}@")
    }
    for name, text in in_files.items():
        (tmp_path / name).write_text(f"{text}\n")
        environ[f"{name}_FILE"] = str(tmp_path / name)
    filed = f'[keys.filed]\nkey = "{SECRETS["FILED"]}"\nrights = ["ingest", "personal"]\n'
    (tmp_path / "keys.toml").write_text(filed)
    try:
        with LocalStack(
            tmp_path / "run", ingest_port=free_port(), serve_port=free_port(), environ=environ
        ) as stack:
            yield stack
    finally:
        valkey.stop()


def test_no_secret_is_shown_anywhere(secretive: LocalStack, tmp_path: Path) -> None:
    with Asking(secretive) as asking:
        assert asking.ingest(SECRETS["INGEST_API_KEY"]) == 200
        assert asking.ingest(SECRETS["FILED"]) == 200
        assert asking.ingest(SECRETS["SERVE_API_KEY"]) == 401
    answers = [
        httpx.post(f"{secretive.ingest_url}/api/ingest", headers={"X-API-Key": SECRETS["GUESS"]})
        for _ in range(70)
    ]
    assert {one.status_code for one in answers} == {401, 429}
    for path in ("/api/usermodel?user_id=ada", "/api/usermodel", f"/api/{SECRETS['GUESS']}"):
        for key in (SECRETS["GUESS"], SECRETS["SERVE_API_KEY"]):
            url = f"{secretive.serve_url}{path}"
            answers.append(httpx.get(url, headers={"X-API-Key": key}))
    wrong_place = {"user_id": "ada", "api_key": SECRETS["SERVE_API_KEY"]}
    answers.append(httpx.get(f"{secretive.serve_url}/api/recommend", params=wrong_place))
    assert answers[-1].status_code == 400
    for url, path in itertools.product(
        (secretive.ingest_url, secretive.serve_url), ("/metrics", "/openapi.json", "/docs")
    ):
        answers.append(httpx.get(f"{url}{path}"))
    texts = [(one.url.path, f"{one.text} {one.headers}") for one in answers]
    texts += ((name, secretive.log_of(name)) for name in secretive.processes)
    texts += ((name, _arguments(one)) for name, one in secretive.processes.items())
    texts += ((name, _output(tmp_path, name)) for name in ("status", "settings", "--help"))
    texts.append(("key list", _output(tmp_path, "key", "list")))
    shown = {
        (where, name) for where, text in texts for name, secret in SECRETS.items() if secret in text
    }
    assert shown == set()
    assert secretive.log_of("webhook").count("key_failures.throttled") == 1


def _arguments(process: subprocess.Popen[bytes]) -> str:
    """What everybody on the machine sees of a process."""
    command = ["ps", "-o", "args=", "-p", str(process.pid)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _output(folder: Path, *words: str) -> str:
    """What a command says, with the secrets in the same files."""
    environ = {
        f"{name}_FILE": str(folder / name)
        for name in ("REDIS_URL", "INGEST_API_KEY", "SERVE_API_KEY")
    }
    done = ai_engine(*words, **environ, REDIS_URL="", KEYS_FILE=str(folder / "keys.toml"))
    assert done.returncode == 0, done.stderr
    return f"{done.stdout} {done.stderr}"
