"""What goes wrong on a catalogue's way into the pods, for real; what was served is served on."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.snapshot.binding import SHELF
from deploy.valkey import Valkey, free_port, valkey_binary
from tests.end_to_end.client import Pipeline, eventually, read, visitor
from tests.end_to_end.conftest import ENVIRON
from tests.end_to_end.curator import FIRST, Curator
from tests.end_to_end.live_catalogue import WATCHED, publisher_of, second_serve, shown
from tests.end_to_end.operating import Numbers
from tests.end_to_end.watching import Watch

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


@pytest.fixture
def curator(tmp_path: Path) -> Iterator[Curator]:
    curator = Curator(tmp_path)
    with curator.stack:
        curator.serves(FIRST)
        yield curator


def runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_a_publisher_that_is_killed_again_and_again_publishes_all_the_same(
    curator: Curator,
) -> None:
    with Watch([curator.port], WATCHED, rate=50) as watch:
        for number in range(4):
            eventually(lambda: runs(publisher_of(curator.stack)))
            curator.write(FIRST | {"ada": f"Story {number}"})
            time.sleep(0.1 * number)  # it is still starting, or reading, or writing, or done
            os.kill(publisher_of(curator.stack), signal.SIGKILL)
            curator.serves(FIRST | {"ada": f"Story {number}"})
    assert watch.failed == []
    assert Numbers(curator.stack.worker_url)("publisher_starts_total") >= 4


def test_a_flushed_redis_gets_its_catalogue_back(curator: Curator) -> None:
    with Watch([curator.port], WATCHED, rate=50) as watch:
        curator.is_published()
        curator.client().flushall()
        eventually(lambda: curator.client().hget(f"shelf:{SHELF}", "current"))
        time.sleep(1)
    assert watch.failed == []
    assert curator.numbers()("catalogue_swaps_total") == 1, "it is the one that is served"
    fresh = free_port()
    folder = str(curator.content.with_name("another-machine"))
    with second_serve(curator.stack, fresh, CONTENT_FOLDER=folder):
        eventually(lambda: shown(fresh) == FIRST)


@pytest.mark.parametrize("harm", ["truncated", "foreign", "flipped"])
def test_a_damaged_file_of_a_machine_is_fetched_again_by_who_starts_there(
    curator: Curator, harm: str
) -> None:
    curator.is_published()
    [path] = curator.content.glob("*.snapshot")
    whole = path.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "truncated": whole[:middle],
        "foreign": b"GIF89a" * 1000,
        "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
    }[harm]
    path.with_name("damaged").write_bytes(damaged)
    path.with_name("damaged").replace(path)  # whoever has mapped the old one keeps that
    fresh = free_port()
    with second_serve(curator.stack, fresh):
        eventually(lambda: shown(fresh) == FIRST)
        numbers = Numbers(f"http://127.0.0.1:{fresh}")
        assert numbers("catalogue_refused_snapshots_total", cause="damaged") == 1
    assert path.read_bytes() == whole
    assert shown(curator.port) == FIRST


def test_a_damaged_snapshot_in_redis_is_refused_and_replaced(curator: Curator) -> None:
    curator.is_published()
    client, fresh = curator.client(), free_port()
    [chunk] = client.keys(f"chunk:{SHELF}:*")
    client.setrange(chunk, 5000, b"damaged")
    folder = str(curator.content.with_name("another-machine"))
    with second_serve(curator.stack, fresh, CONTENT_FOLDER=folder):
        url = f"http://127.0.0.1:{fresh}"
        refused = "catalogue_refused_snapshots_total"
        eventually(lambda: _answers(url) and Numbers(url)(refused, cause="damaged") >= 2)
        answer = httpx.get(f"{url}/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, "no catalogue yet")
        curator.write(FIRST | {"ada": "Another"})
        eventually(lambda: shown(fresh) == FIRST | {"ada": "Another"})


def test_a_full_disk_leaves_what_is_served_until_there_is_room(curator: Curator) -> None:
    fresh = free_port()
    folder = str(curator.content.with_name("another-machine"))
    with second_serve(curator.stack, fresh, CONTENT_FOLDER=folder) as process:
        eventually(lambda: shown(fresh) == FIRST)
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
        curator.write(FIRST | {"ada": "Another"})
        curator.serves(FIRST | {"ada": "Another"})
        url = f"http://127.0.0.1:{fresh}"
        full = "catalogue_refused_snapshots_total"
        eventually(lambda: Numbers(url)(full, cause="disk") >= 2)
        assert shown(fresh) == FIRST
        files = [one for one in Path(folder).iterdir() if one.is_file()]
        assert [one.suffix for one in files] == [".snapshot"], "nothing half"
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        eventually(lambda: shown(fresh) == FIRST | {"ada": "Another"})


def test_a_machine_that_starts_without_redis_serves_what_it_served_last(
    curator: Curator,
) -> None:
    stack = curator.stack
    assert stack.valkey is not None
    stack.processes["serve"].kill()
    stack.processes["serve"].wait()
    stack.valkey.kill()
    stack.start_process("serve")
    eventually(lambda: _answers(stack.serve_url) and curator.numbers()("catalogue_items") == 302)
    assert "catalogue.recovered" in stack.log_of("serve")
    assert shown(curator.port) == FIRST
    ready = httpx.get(f"{stack.serve_url}/readyz")
    assert (ready.status_code, ready.json()["degraded"]) == (200, ["models"])
    stack.valkey.start()
    curator.serves(FIRST)


def test_the_heir_of_a_killed_worker_publishes(curator: Curator) -> None:
    stack = curator.stack
    curator.is_published()
    orphan = publisher_of(stack)
    environ = stack._environ | {"WORKER_PORT": "0"}
    with (stack._folder / "heir.log").open("ab") as log:
        heir = subprocess.Popen(
            [sys.executable, "-m", "ingest_worker", "worker"], env=environ, stderr=log
        )
    try:
        time.sleep(2)
        assert "publisher.started" not in stack.log_of("heir"), "one publishes"
        stack.processes["worker"].kill()
        stack.processes["worker"].wait()
        eventually(lambda: not runs(orphan))
        curator.write(FIRST | {"ada": "Another"})
        curator.serves(FIRST | {"ada": "Another"})
        child = publisher_of(stack, "heir")
        heir.terminate()
        assert heir.wait(20) == 0
        assert not runs(child)
    finally:
        heir.kill()
        heir.wait()


def test_before_anything_is_published_nobody_is_ready_and_all_say_why(tmp_path: Path) -> None:
    server, ports = Valkey(tmp_path / "valkey"), [free_port(), free_port()]
    server.start()
    environ = ENVIRON | {
        "REDIS_URL": server.url,
        "SERVE_PORT": str(ports[0]),
        "WORKER_PORT": str(ports[1]),
        "WORKER_PUBLISHER": "0",
        "CONTENT_FOLDER": str(tmp_path / "content"),
    }
    commands = [["serve_api"], ["ingest_worker", "worker"]]
    started = [subprocess.Popen([sys.executable, "-m", *one], env=environ) for one in commands]
    try:
        serve, worker = (f"http://127.0.0.1:{port}" for port in ports)
        eventually(lambda: _answers(serve) and _answers(worker))
        assert httpx.get(f"{serve}/readyz").json()["detail"] == "no catalogue yet"
        eventually(lambda: httpx.get(f"{worker}/readyz").json().get("reason") == "no catalogue yet")
        assert httpx.get(f"{serve}/api/recommend?user_id=ada").status_code == 503
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "ingest_worker", "publisher"],
                env=environ | {"WORKER_PORT": str(port := free_port())},
            )
        )
        eventually(lambda: httpx.get(f"{serve}/readyz").status_code == 200)
        eventually(lambda: httpx.get(f"{worker}/readyz").status_code == 200)
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code == 200
        eventually(lambda: Numbers(url)("publisher_publications_total") == 1)
        for process in started:
            process.terminate()
        assert [process.wait(20) for process in started] == [0, 0, 0]
    finally:
        for process in started:
            process.kill()
            process.wait()
        server.kill()


def test_after_another_vector_space_every_model_is_rebuilt(curator: Curator) -> None:
    pipeline, users = Pipeline.of(curator.stack), [visitor() for _ in range(5)]
    for user in users:
        pipeline.accept(read(user, "ada", 60))
    for user in users:
        old = pipeline.model_of(user, events=1)
    curator.write(FIRST, vector=[1, 2, 3])
    for user in users:
        eventually(lambda user=user: pipeline.model(user)["vector_space"] == "given-3")  # type: ignore[misc]
        new = pipeline.model(user)
        assert new["positives"].keys() == old["positives"].keys()
        assert len(new["taste_vector"]) == 3


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False
