"""Asks a service in this process as its OpenAPI document says."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from starlette.types import ASGIApp

from tests.api.services import KEY

UNKNOWN = "nobody-of-this-name"


async def ask(app: ASGIApp, method: str, url: str, **request: Any) -> httpx.Response:
    """One request."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.request(method, url, **request)


async def document_of(app: ASGIApp) -> Any:
    """The document that a service shows."""
    answer = await ask(app, "GET", "/openapi.json")
    assert answer.status_code == 200
    return answer.json()


class DescribedOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as a document describes it."""

    method: str
    path: str
    content: Mapping[str, Any]

    @property
    def is_personal(self) -> bool:
        """Whether it always asks for a key."""
        return bool(self.content.get("security")) and {} not in self.content["security"]

    @property
    def takes_parameters(self) -> bool:
        """Whether a query can be wrong."""
        return bool(self.content["parameters"])

    @property
    def takes_body(self) -> bool:
        """Whether a body is sent."""
        return "requestBody" in self.content

    def problems(self) -> Iterator[int]:
        """The statuses that it may answer but 200."""
        return (int(status) for status in self.content["responses"] if status != "200")

    async def ask(
        self, app: ASGIApp, *, of_unknown: bool = False, body: Any = None, **headers: str
    ) -> httpx.Response:
        """With the examples of the document, or of something that does not exist."""
        path, query = self.path, {}
        for one in self.content["parameters"]:
            example = one.get("example")
            if of_unknown and one["required"]:
                example = UNKNOWN
            if example is None:
                continue
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", quote(str(example), safe=""))
            else:
                query[one["name"]] = example
        sent = {"X-API-Key": KEY, **{name.replace("_", "-"): it for name, it in headers.items()}}
        if self.takes_body:
            sent.setdefault("Content-Type", "application/json")
            body = msgspec.json.encode(self._example_body()) if body is None else body
        return await ask(app, self.method, path, params=query, content=body, headers=sent)

    def _example_body(self) -> Any:
        """The one of the snippet in JavaScript, as it is sent."""
        [source] = [
            one["source"] for one in self.content["x-codeSamples"] if one["lang"] == "JavaScript"
        ]
        text = source.partition("JSON.stringify(")[2].partition("),\n")[0]
        return msgspec.json.decode(text)


def operations_of(document: Any) -> list[DescribedOperation]:
    """All that a document describes."""
    return [
        DescribedOperation(method=method.upper(), path=path, content=content)
        for path, methods in document["paths"].items()
        for method, content in methods.items()
    ]
