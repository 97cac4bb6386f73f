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
from tests.end_to_end.client import Pipeline, eventually, read, track
from tests.end_to_end.conftest import ENVIRON
from tests.secrets import bodies
from tests.secrets.asking import Asker
from tests.secrets.marks import Marks
from tests.secrets.searching import Finding, found_in, of_files, of_process_list, of_redis

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
    "a list is answered with what was asked for": (
        r"answer: api GET /api/recommend 200",
        r"asked: (stranger|query\.(user_id|session|exclude))\.\w+|user: broken(\.mail)?",
    ),
}
"""Why a secret is found, where, and which; what is not found there any more is to go."""

KEYS = Marks("keys", 1)
SETTINGS = {
    "INGEST_API_KEY": KEYS.word("ingest"),
    "SERVE_API_KEY": KEYS.word("serve"),
    "TOMBSTONE_KEY": KEYS.word("tombstone"),
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
    environ = ENVIRON | SETTINGS | {"REDIS_URL": url_of(valkey)}
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


class Sending:
    """Everything that is sent and asked, and the secrets in it."""

    def __init__(self, stack: LocalStack) -> None:
        self.user, self.headers = Marks("user", 2), Marks("headers", 3)
        heads = {
            "User-Agent": self.headers.word("agent"),
            "X-Forwarded-For": self.headers.address("forwarded"),
            "Cookie": f"mail={self.headers.mail('cookie')}",
            "Referer": f"https://museum.example/{self.headers.mail('referer')}",
        }
        self._heads = heads
        self.webhook = Asker(stack.ingest_url, heads | {"X-API-Key": KEYS.word("ingest")})
        self.api = Asker(stack.serve_url, heads | {"X-API-Key": KEYS.word("serve")})
        self.worker = Asker(stack.worker_url, heads)
        self.made = [KEYS, self.user, self.headers]

    def marks(self, sending: str) -> Marks:
        found = Marks(sending, len(self.made) + 1)
        self.made.append(found)
        return found

    def post(self, body: Any, **more: Any) -> int:
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self.webhook.ask("POST", "/api/ingest", **given, **more).status_code

    def send_events(self, number: int) -> None:
        good, bad, odd = (self.marks(f"{name}{number}") for name in ("good", "bad", "odd"))
        for user in (self.user.word("id"), self.user.mail("login")):
            events = [bodies.identify(good, user), bodies.view(good, user)]
            assert self.post([*events, bodies.unplanned(good, user)]) == 200
            assert self.post(bodies.unusable(bad, user)) == 200
        assert self.post(bodies.malformed(odd)) == 200
        assert self.post(f'{{"mail": {odd.mail("no_json")}}}'.encode()) == 400
        assert self.post(odd.mail("oversize").encode() * 5_000) == 413
        query = {"email": odd.mail("query"), "writeKey": odd.word("key_in_query")}
        assert self.post([read("ada", "vedem-petr-ginz-terezin", 30)], params=query) == 200

    def ask_wrongly(self) -> None:
        for service in (self.webhook, self.api):
            service.ask_wrongly(self.marks("asked"))
        wrong = self.marks("wrong_keys")
        for one in (self.webhook, self.api):
            for headers in (
                {"X-API-Key": wrong.word("key")},
                {"X-API-Key": "", "Authorization": f"Bearer {wrong.word('bearer')}"},
                {"X-API-Key": "", "Authorization": f"Basic {wrong.word('basic')}"},
            ):
                one.ask("POST", "/api/ingest", json=[], headers=headers)
                one.ask("GET", "/api/usermodel", params={"user_id": "ada"}, headers=headers)
        for path in ("/metrics", "/readyz", "/healthz", f"/{wrong.mail('nowhere')}"):
            self.worker.ask("GET", path, path.partition("zq")[0], params={"a": wrong.mail("a")})

    def ask_for_what_is_broken(self, client: Any) -> None:
        """Models that nobody can read, under an id that errors may name."""
        broken = f"{self.user.word('broken')} {self.user.mail('broken')}"
        for spoil in (
            lambda key: client.set(key, f'{{"kind": "{broken}", "user_id": 1}}', ex=60),
            lambda key: (client.delete(key), client.hset(key, broken, "1")),
        ):
            spoil(f"model:{{{broken}}}")
            for path in ("/api/recommend", "/api/usermodel", "/api/usermodel/history"):
                self.api.ask("GET", path, params={"user_id": broken})
            client.delete(f"model:{{{broken}}}")

    def ask_for_numbers(self) -> None:
        for one in (self.webhook, self.api, self.worker):
            assert one.ask("GET", "/metrics").status_code == 200

    def close(self) -> None:
        for one in (self.webhook, self.api, self.worker):
            one.close()


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
