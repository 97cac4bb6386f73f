"""What an operator does with a running pipeline: commands, probes and numbers."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import LocalStack
from tests.end_to_end.client import eventually

Series = tuple[str, tuple[tuple[str, str], ...]]


def worker_url(stack: LocalStack) -> str:
    """Where the worker listens, as its log tells."""
    log = stack._folder / "worker.log"

    def ports() -> list[int]:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
        return [line["port"] for line in lines if line["event"] == "worker.listened"]

    return f"http://127.0.0.1:{eventually(ports)[-1]}"


class Numbers:
    """The metrics of a process at one moment."""

    def __init__(self, url: str) -> None:
        answer = httpx.get(f"{url}/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        self.series: dict[Series, float] = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """The value of a series of ours, 0 where it does not exist yet."""
        return self.series.get((f"ai_engine_{name}", tuple(sorted(labels.items()))), 0.0)

    def labels(self) -> Mapping[str, set[str]]:
        """All values of each label, those of the buckets aside."""
        found: dict[str, set[str]] = {}
        for _, pairs in self.series:
            for name, value in pairs:
                if name != "le":
                    found.setdefault(name, set()).add(value)
        return found


def outcome(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command has printed as JSON."""
    return json.loads(done.stdout)
