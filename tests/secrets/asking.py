"""Asks both services, rightly and wrongly, with secrets in all that a request has."""

from collections.abc import Iterator
from contextlib import closing, suppress
from socket import SHUT_WR, create_connection
from typing import Any

import httpx

from tests.secrets.marks import Marks

Answer = tuple[str, bytes]
"""What was asked, without its secrets, and all bytes of the answer."""


class Asker:
    """Asks one service and keeps what it answers."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        """`headers` go with every request."""
        self._http = httpx.Client(base_url=url, headers=headers, timeout=20)
        self.answers: list[Answer] = []

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def ask(self, method: str, path: str, shown: str = "", **more: Any) -> httpx.Response:
        """One request; `shown` is its path without secrets."""
        answer = self._http.request(method, path, **more)
        heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        what = f"{method} {shown or path} {answer.status_code}"
        self.answers.append((what, heads.encode() + answer.content))
        return answer

    def send_garbage(self, marks: Marks) -> None:
        """What is no HTTP, or hardly any."""
        url = self._http.base_url
        mail = marks.mail("garbage").encode()
        for sent in (
            b"GET /%b HTTP/9.9\r\n%b\r\n\r\n" % (mail, mail),
            b"POST /api/ingest HTTP/1.1\r\nHost: %b\r\nContent-Length: %b\r\n\r\n" % (mail, mail),
            b"\x16\x03\x01" + mail * 10_000,
        ):
            connection = create_connection((url.host, url.port or 80), timeout=20)
            with closing(connection), suppress(OSError):  # it may hang up before the end
                connection.sendall(sent)
                connection.shutdown(SHUT_WR)
                self.answers.append(("garbage", connection.recv(100_000)))

    def ask_wrongly(self, marks: Marks) -> None:
        """Everything that the service's own document declares, with what it does not take."""
        document = self.ask("GET", "/openapi.json").json()
        for declared, methods in document["paths"].items():
            path = declared
            for name in ("id", "content_id", "user_id"):
                path = path.replace(f"{{{name}}}", f"{marks.mail('path')}")
            for method, operation in methods.items():
                for query in _queries(operation.get("parameters", []), marks):
                    self.ask(method.upper(), path, declared, params=query)
                if "requestBody" in operation:
                    for body in _bodies(marks):
                        self.ask(method.upper(), path, declared, content=body)
        self.ask("GET", f"/{marks.mail('nowhere')}", "nowhere")
        self.ask("DELETE", "/metrics", params={"email": marks.mail("delete")})
        for path in ("/docs", "/metrics", "/healthz", "/readyz"):
            self.ask("GET", path)


def _queries(parameters: list[dict[str, Any]], marks: Marks) -> Iterator[dict[str, Any]]:
    """One wrong parameter at a time, whatever else is needed being there."""
    names = [one["name"] for one in parameters if one["in"] == "query"]
    needed = {"user_id": marks.mail("stranger"), "q": marks.mail("q"), "content_id": "nothing"}
    given = {name: needed[name] for name in names if name in needed}
    yield given
    yield given | {marks.mail("parameter"): "1"}
    for name in names:
        yield given | {name: marks.mail(f"query.{name}")}
        yield given | {name: [marks.address(f"query.{name}"), marks.phone(f"query.{name}")]}


def _bodies(marks: Marks) -> Iterator[bytes]:
    mail, address = marks.mail("body").encode(), marks.address("body").encode()
    yield b'{"user_ids": ["' + mail + b'"], "' + mail + b'": 1}'
    yield b'{"user_ids": "' + mail + b'", "limit": "' + address + b'"}'
    yield b'{"limit": "' + mail + b'", "liked": ["' + address + b'"], "tags": "' + address + b'"}'
    yield b'{"user_id": ' + mail
    yield b"[" * 3000 + b'"' + mail + b'"' + b"]" * 3000
    yield b'{"user_ids": ["' + mail * 20_000 + b'"]}'
