"""Runs the processes of compose.yaml out of an image in a folder, and asks them what they do."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compose_spec import parse_duration

from deploy.valkey import Valkey, free_port
from tests.deployment.files import compose, example_environ, port_of
from tests.deployment.image import FolderImage
from tests.deployment.processes import PROCESSES
from tests.end_to_end.client import Pipeline, eventually, read, visitor

_ITEM = "lidice-children"


class Running:
    """One process, on a port of its own."""

    def __init__(
        self, image: FolderImage, name: str, service: Any, redis_url: str, log: Path
    ) -> None:
        """Start it."""
        prefix = PROCESSES[name].prefix
        self.name, self.log, self.port = name, log, free_port()
        self._image = image
        self._check = [
            word.replace(f":{port_of(name)}/", f":{self.port}/")
            for word in service["healthcheck"]["test"][1:]
        ]
        self._grace_s = parse_duration(service["stop_grace_period"])
        self.environ = service["environment"] | {
            "REDIS_URL": redis_url,
            f"{prefix}_HOST": "127.0.0.1",
            f"{prefix}_PORT": str(self.port),
        }
        self.process = image.start(service["command"], self.environ, log)

    def is_healthy(self) -> bool:
        """What its health check says. Raises: AssertionError if it has ended."""
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended:\n{self.log.read_text()}")
        try:
            self._image.output(self._check)
        except subprocess.CalledProcessError:
            return False
        return True

    def resident_mb(self) -> float:
        """The memory that it takes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def stop(self) -> float:
        """End it as an engine does, and how long that took. Raises: AssertionError."""
        started = time.monotonic()
        self.process.terminate()
        code = self.process.wait(self._grace_s)
        if code != 0:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.log.read_text()}")
        return time.monotonic() - started


def check_processes(image: FolderImage, source: Path, folder: Path) -> None:
    """Start them all, send an event, ask for recommendations, stop them all."""
    environ = example_environ(source)
    services = compose(environ, source)["services"]
    words = services["redis"]["command"][1:]
    options = {name[2:]: value for name, value in zip(words[::2], words[1::2], strict=True)}
    valkey = Valkey(folder / "valkey", options=options)
    valkey.start()
    running = []
    try:
        for name in PROCESSES:
            for number in range(services[name].get("deploy", {}).get("replicas", 1)):
                log = folder / f"{name}-{number}.log"
                running.append(Running(image, name, services[name], valkey.url, log))
        _ask(image, running, environ)
        for one in running:
            say(f"{one.name} resident", f"{one.resident_mb():.0f} MB")
        for one in running:
            say(f"{one.name} stopped by SIGTERM with 0", f"{one.stop():.1f} s")
    finally:
        for one in running:
            one.process.kill()
            one.process.wait()
        valkey.stop()


def _ask(image: FolderImage, running: list[Running], environ: Mapping[str, str]) -> None:
    for one in running:
        eventually(one.is_healthy)
        say(f"{one.name}'s health check", "passes")
    ports = {one.name: one.port for one in running}
    pipeline = Pipeline(
        f"http://127.0.0.1:{ports['webhook']}",
        f"http://127.0.0.1:{ports['serve']}",
        serve_key=environ["SERVE_API_KEY"],
    )
    user = visitor()
    event = read(user, _ITEM, 60)
    _expect("an event without the key", pipeline.post([event]).status_code, 401)
    accepted = pipeline.post([event], X_API_Key=environ["INGEST_API_KEY"])
    _expect(
        "an event with the key", (accepted.status_code, accepted.json()), (200, {"accepted": 1})
    )
    pipeline.model_of(user, events=1)
    answer = pipeline.recommend(user, limit=5)
    _expect(
        "its visitor's recommendations", (answer["strategy"], len(answer["items"])), ("warm", 5)
    )
    stranger = pipeline.recommend(visitor(), limit=5)
    found = (stranger["strategy"], len(stranger["items"]))
    _expect("a stranger's recommendations", found, ("cold_diverse", 5))
    image.output(["ai-engine", "dead-letter", "list"], running[0].environ)
    say("ai-engine dead-letter list", "works")


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"{what}: {found}, not {expected}")
    say(what, found)


def say(what: str, found: object) -> None:
    """One line of the result."""
    sys.stdout.write(f"{what:40} {found}\n")
    sys.stdout.flush()
