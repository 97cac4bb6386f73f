"""A catalogue file, and a running pipeline that serves it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis

from deploy.local import LocalStack
from deploy.valkey import free_port
from tests.end_to_end.client import eventually
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.live_catalogue import rows, shown
from tests.end_to_end.operating import Numbers

FIRST = {"ada": "The first story", "bob": "The second"}


class Curator:
    """A catalogue file, a running pipeline that serves it, and what its folder holds."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.path = folder / "items.jsonl"
        self.write(FIRST)
        self.environ = ENVIRON | {"REDIS_URL": "", "CATALOGUE": str(self.path)} | environ
        self.port = free_port()
        self.stack = LocalStack(
            folder, ingest_port=free_port(), serve_port=self.port, environ=self.environ
        )

    def write(self, items: Mapping[str, str], **more: Any) -> None:
        """Replace the file in one step."""
        new = self.path.with_name("new")
        new.write_text("\n".join(json.dumps(one | more) for one in rows(items)))
        new.replace(self.path)

    def serves(self, items: Mapping[str, str]) -> None:
        eventually(lambda: shown(self.port) == items)

    def is_published(self) -> None:
        """Wait until the worker's publisher has made sure of what lies there."""
        url = self.stack.worker_url
        eventually(lambda: Numbers(url)("publisher_publications_total") >= 1)

    @property
    def content(self) -> Path:
        return self.stack._folder / "content"

    def client(self) -> Any:
        return redis.Redis.from_url(self.stack.redis_url)

    def numbers(self) -> Numbers:
        return Numbers(self.stack.serve_url)
