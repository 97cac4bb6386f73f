"""`ai-engine content publish`, where no publisher does it by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.valkey import free_port, valkey_binary
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.curator import FIRST, Curator
from tests.end_to_end.live_catalogue import shown
from tests.end_to_end.operating import outcome

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")


@pytest.fixture
def curator(tmp_path: Path) -> Iterator[Curator]:
    curator = Curator(tmp_path, WORKER_PUBLISHER="0")
    with curator.stack:
        curator.serves(FIRST)
        yield curator


def test_a_change_is_served_when_it_is_published(curator: Curator) -> None:
    environ = curator.environ | {
        "REDIS_URL": curator.stack.redis_url,
        "CONTENT_FOLDER": str(curator.content),
    }
    changed = FIRST | {"ada": "Another"}
    curator.write(changed)
    time.sleep(1.5)
    assert shown(curator.port) == FIRST, "nobody publishes by himself"
    published = outcome(ai_engine("content", "publish", "--json", **environ))
    assert published["items"] == 302
    curator.serves(changed)
    for option in ((), ("--rebuild",)):
        again = outcome(ai_engine("content", "publish", "--json", *option, **environ))
        assert again == published

    curator.path.write_text("")
    refused = ai_engine("content", "publish", **environ)
    assert refused.returncode == 1
    assert "no items" in refused.stderr
    time.sleep(1)
    assert shown(curator.port) == changed
    assert outcome(ai_engine("content", "publish", "--json", "--empty", **environ))["items"] == 0
    curator.serves({})


def test_a_catalogue_that_cannot_be_published_stops_a_local_run(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no JSON\n")
    ports = {name: str(free_port()) for name in ("INGEST_PORT", "SERVE_PORT")}
    done = ai_engine("run", "--folder", tmp_path / "run", REDIS_URL="", CATALOGUE=str(bad), **ports)
    assert done.returncode == 1
    assert "catalogue" in done.stderr
