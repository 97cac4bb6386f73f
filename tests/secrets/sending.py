"""Everything that is sent and asked in the search for secrets."""

from typing import Any

from deploy.local import LocalStack
from tests.end_to_end.client import read
from tests.secrets import bodies
from tests.secrets.asking import Asker
from tests.secrets.marks import Marks

KEYS = Marks("keys", 1)
SECRET_SETTINGS = {
    "INGEST_API_KEY": KEYS.word("ingest"),
    "SERVE_API_KEY": KEYS.word("serve"),
    "TOMBSTONE_KEY": KEYS.word("tombstone"),
}


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
        for user in (self.user.word("id"), self.user.mail("login"), self.user.mail("erased")):
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
            one.send_garbage(self.marks("garbage"))
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

    def erase(self) -> None:
        """Of whom this forgets nothing may be left, not even where the others' ids are meant."""
        path = f"/api/users/{self.user.mail('erased')}"
        headers = {"X-API-Key": KEYS.word("operator")}
        erased = self.webhook.ask("DELETE", path, "/api/users/erased", headers=headers)
        assert erased.status_code == 200, erased.text
        assert erased.json()["in_hand"] == 0

    def ask_for_numbers(self) -> None:
        for one in (self.webhook, self.api, self.worker):
            assert one.ask("GET", "/metrics").status_code == 200

    def close(self) -> None:
        for one in (self.webhook, self.api, self.worker):
            one.close()
