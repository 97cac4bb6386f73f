"""Catalogues that the command line imports into: a file, and the engine of Qdrant."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from adapters.embedding.hashed import HashedEmbedder
from adapters.qdrant.collections import collection_name
from core.spaces import embedder_space
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.operating import outcome

SPACE = embedder_space(HashedEmbedder())


class Target:
    """Where a catalogue is imported to; `written` counts what lies there, served or not."""

    def __init__(self, environ: Mapping[str, str], written: Callable[[], int]) -> None:
        self.environ = dict(environ)
        self.written = written

    def content(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run `ai-engine content` on it."""
        return ai_engine("content", *arguments, **self.environ)

    def imported(self, source: Path, *options: object) -> Any:
        """Import a file to its end; the outcome."""
        return outcome(self.content("import", source, "--json", *options))

    def killed_at(self, goal: int, source: Path, *options: object) -> bool:
        """Import a file and kill the importer once more than so many items lie there."""
        return self.killed(source, *options, at=lambda: self.written() > goal)

    def killed(self, source: Path, *options: object, at: Callable[[], bool]) -> bool:
        """Import a file and kill the importer at that point; whether it was still at work."""
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "content", "import", source, *map(str, options)],
            env=ENVIRON | self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not at() and process.poll() is None:
            time.sleep(0.0005)
        process.kill()
        return process.wait() == -signal.SIGKILL

    def items(self) -> dict[str, Any]:
        """All that is served, with vectors, by id."""
        done = self.content("export", "-", "--vectors")
        assert done.returncode == 0, done.stderr
        lines = map(json.loads, done.stdout.splitlines()[1:])
        return {line["id"]: line for line in lines}


def file_target(path: Path) -> Target:
    """A catalogue file."""
    journal = path.with_name(f"{path.name}.importing")

    def written() -> int:
        return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0

    return Target({"CATALOGUE": str(path)}, written)


def qdrant_target(url: str) -> Target:
    """A catalogue of its own in a Qdrant."""
    alias = f"test-{uuid4().hex[:12]}"
    address = f"{url}/collections/{collection_name(alias, SPACE)}/points/count"

    def written() -> int:
        answer = httpx.post(address, json={"exact": True})
        return int(answer.json()["result"]["count"]) if answer.is_success else 0

    return Target({"QDRANT_API_URL": url, "QDRANT_COLLECTION": alias}, written)
