"""Nothing that is personal or secret is anywhere but where it is meant to be.

Marked secrets go through all processes over a real Redis with a password, in
events, requests and errors; then everything that is kept or shown is searched.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from deploy.local import LocalStack
from deploy.valkey import Valkey, free_port, valkey_binary
from tests.end_to_end.client import Pipeline, eventually, track
from tests.end_to_end.conftest import ENVIRON
from tests.secrets import bodies
from tests.secrets.asking import Asker
from tests.secrets.searching import Finding, found_in, of_files, of_process_list, of_redis
from tests.secrets.sending import KEYS, SECRET_SETTINGS, Sending

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")

MEANT = {
    "an id is the key of what is kept of a visitor, and an app may know them by an address": (
        r"redis: (key of (events|revision|model|links)|model|due|popped)",
        r"user: (id|login\.mail)",
    ),
    "a rejected event keeps the visitor's id: whoever is erased is found by it": (
        "redis: dead-letters",
        r"user: (id|login\.mail)",
    ),
    "a plan that is mended must be able to read the properties of a rejected event": (
        "redis: dead-letters",
        r"bad\d: (properties|other_text)",
    ),
    "of what nobody can decode only what looks personal is known to be": (
        "redis: dead-letters",
        r"odd\d: deep",
    ),
    "a problem names to who asked what they asked for, if that does not look personal": (
        r"answer: api GET /api/usermodel(/history)? 404",
        "user: broken",
    ),
    "the receipt of an erasing names who was erased, to who asked for it": (
        "answer: webhook DELETE /api/users/erased 200",
        r"user: erased\.mail",
    ),
    "a list is answered with what was asked for": (
        r"answer: api GET /api/recommend 200",
        r"asked: (stranger|query\.(user_id|session|exclude))\.\w+|user: broken(\.mail)?",
    ),
}
"""Why a secret is found, where, and which; what is not found there any more is to go."""

SETTINGS = {
    **SECRET_SETTINGS,
    "INGEST_MAX_BODY_BYTES": "100000",
    "WORKER_KEEP_EVERY_MS": "100",
}


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey")
    server.start()
    require_password(server)
    yield server
    server.kill()


@pytest.fixture
def stack(tmp_path: Path, valkey: Valkey) -> Iterator[LocalStack]:
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[keys.operator]\nkey = "{KEYS.word("operator")}"\nrights = ["operate"]\n')
    environ = ENVIRON | SETTINGS | {"REDIS_URL": url_of(valkey), "KEYS_FILE": str(keys)}
    with LocalStack(
        tmp_path / "run", ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as running:
        yield running


def url_of(valkey: Valkey) -> str:
    return valkey.url.replace("//", f"//:{KEYS.word('redis')}@")


def require_password(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("requirepass", KEYS.word("redis"))


def restart(valkey: Valkey) -> None:
    valkey.start()
    require_password(valkey)


def test_no_secret_is_anywhere_but_where_it_is_meant_to_be(
    stack: LocalStack, valkey: Valkey, tmp_path: Path
) -> None:
    sending = Sending(stack)
    sending.send_events(1)
    sending.ask_wrongly()
    valkey.kill()
    away = sending.marks("away")
    assert sending.post(bodies.unusable(away, "ada")) == 503
    sending.ask_wrongly()
    restart(valkey)
    Pipeline.of(stack).wait_until_ready()
    sending.send_events(2)
    sending.ask_wrongly()
    with redis.Redis.from_url(url_of(valkey)) as client:
        wait_until_done(sending, client)
        sending.ask_for_what_is_broken(client)
        sending.erase()
        sending.ask_for_numbers()
        places = [*of_redis(client), *of_files(tmp_path / "run"), *of_process_list()]
    sending.close()
    for name in ("webhook", "api", "worker"):
        asked: Asker = getattr(sending, name)
        places += [(f"answer: {name} {what}", text) for what, text in asked.answers]
    secrets = [secret for marks in sending.made for secret in marks]
    assert len(secrets) > 100
    require_that_all_are_meant(found_in(places, secrets))


def wait_until_done(sending: Sending, client: Any) -> None:
    """Until all that was sent is applied, its models are built, and no body is left."""
    last = track("last", "CONTENT_VIEW_STARTED", content={"content_id": "lidice-children"})
    assert sending.post([last]) == 200
    eventually(lambda: client.exists("model:{last}"))
    eventually(lambda: client.xlen("ingest:{0}") == 0)
    eventually(lambda: client.xlen("dead-letters") > 0)


def require_that_all_are_meant(found: set[Finding]) -> None:
    unused = set(MEANT)
    wrong = set()
    for where, secret in found:
        meant = {
            why
            for why, (place, which) in MEANT.items()
            if re.fullmatch(place, where) and re.fullmatch(which, secret)
        }
        unused -= meant
        if not meant:
            wrong.add((where, secret))
    listed = "\n".join(f"{where} | {secret}" for where, secret in sorted(wrong))
    assert not wrong, f"found where it is not meant to be:\n{listed}"
    assert unused == set(), "this is not found any more; take it out of the table"
