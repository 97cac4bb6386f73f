"""Two read APIs, a worker with its publisher, and a Qdrant that the catalogue lies in."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from adapters.qdrant.connection import Qdrant
from adapters.qdrant.payload import point_id
from adapters.qdrant.repository import QdrantContentRepository
from core.digests import digests_of
from core.ports import StoredContent
from core.spaces import embedder_space
from deploy.local import LocalStack
from deploy.valkey import free_port
from tests.build import EMBEDDER, content
from tests.end_to_end.client import eventually
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.operating import Numbers
from tests.qdrant_edge.process import EdgeServer

WATCHED = "/api/recommend?user_id=somebody&filter=desk:watched&limit=20&include_content=1"
COLLECTION = "contents"


class LiveCatalogue(msgspec.Struct):
    """The running parts."""

    stack: LocalStack
    qdrant: EdgeServer
    ports: tuple[int, int]
    folder: Path
    environ: Mapping[str, str]

    def bring(self, items: Mapping[str, str], *options: str) -> None:
        """Import items, by id and text, beside some hundred that nobody watches."""
        path = self.folder / "items.jsonl"
        path.write_text("\n".join(json.dumps(one) for one in rows(items)))
        self.run("content", "import", path, *options)

    def run(self, *arguments: object) -> str:
        """A command of `ai-engine` over these parts; what it prints."""
        done = ai_engine(*arguments, **self.environ)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, items: Mapping[str, str]) -> None:
        """Write items through the repository, as an import does, and be done at once."""

        async def write() -> None:
            qdrant = Qdrant(self.qdrant.url)
            repository = QdrantContentRepository(qdrant, COLLECTION)
            space = embedder_space(EMBEDDER)
            writer = await repository.open(vector_space=space, dim=EMBEDDER.dim)
            contents = [
                content(one, title=f"Item {one}", text=text, tags=("desk:watched",))
                for one, text in items.items()
            ]
            await writer.upsert(
                [StoredContent(content=one, digests=digests_of(one, space)) for one in contents]
            )
            await qdrant.aclose()

        asyncio.run(write())

    def edit(self, item: str, **payload: object) -> None:
        """What other hands do: a payload is changed beside us."""
        self._ask("points/payload?wait=true", {"payload": payload, "points": [point_id(item)]})

    def remove(self, item: str) -> None:
        """What other hands do: a point is deleted beside us."""
        self._ask("points/delete?wait=true", {"points": [point_id(item)]})

    def numbers(self) -> list[Numbers]:
        """Those of both read APIs."""
        return [Numbers(f"http://127.0.0.1:{port}") for port in self.ports]

    def eventually_shows(self, items: Mapping[str, str]) -> None:
        for port in self.ports:
            eventually(lambda port=port: shown(port) == items)  # type: ignore[misc]

    def _ask(self, path: str, body: object) -> None:
        url = f"{self.qdrant.url}/collections/{COLLECTION}/{path}"
        httpx.post(url, json=body).raise_for_status()


def rows(items: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The watched items, and others."""
    for item, text in items.items():
        yield {"id": item, "title": f"Item {item}", "text": text, "tags": ["desk:watched"]}
    for number in range(300):
        text = f"Story number {number} of a long row of stories about nothing in particular"
        yield {"id": f"other-{number}", "title": f"Other {number}", "text": text}


@contextmanager
def live_catalogue(
    folder: Path, items: Mapping[str, str], **environ: str
) -> Iterator[LiveCatalogue]:
    """Everything, with these items imported and shown by both."""
    qdrant = EdgeServer(folder / "qdrant")
    first, second = free_port(), free_port()
    named = ENVIRON | {"REDIS_URL": "", "QDRANT_API_URL": qdrant.url} | environ
    qdrant.start()
    try:
        stack = LocalStack(folder, ingest_port=free_port(), serve_port=first, environ=named)
        live = LiveCatalogue(stack, qdrant, (first, second), folder, named)
        live.bring(items)
        with stack, second_serve(stack, second):
            live.eventually_shows(items)
            yield live
    finally:
        qdrant.kill()


@contextmanager
def second_serve(stack: LocalStack, port: int, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """One more read API, of the same machine; not ready yet."""
    with (stack._folder / f"serve-{port}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serve_api"],
            env=stack._environ | {"SERVE_PORT": str(port)} | environ,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()


def shown(port: int) -> dict[str, str] | None:
    """What an answer shows of the watched items, by id; None where it is refused."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}{WATCHED}")
    except httpx.TransportError:
        return None
    if answer.status_code != 200:
        return None
    return {one["content_id"]: one["content"]["text"] for one in answer.json()["items"]}


def publisher_of(stack: LocalStack, worker: str = "worker") -> int:
    """The number of the process that publishes, a worker's child."""
    log = stack._folder / f"{worker}.log"
    lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    started = [line["child"] for line in lines if line["event"] == "publisher.started"]
    return int(started[-1])
