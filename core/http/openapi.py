"""The OpenAPI 3.1 document of a service, made from the types that its operations declare.

Source: OpenAPI Specification 3.1.1.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from core.http.operation import Documented, Operation
from core.http.problems import PROBLEM_MEDIA_TYPE, Problem
from core.http.snippets import snippets

_IN_PATH = re.compile(r"\{(\w+)\}")
_SCHEMAS = "#/components/schemas/{name}"
_PROBLEMS = {
    400: "A parameter or the body cannot be used; the document names it and what is allowed.",
    401: "The key is missing or wrong.",
    403: "The key does not open this, or no key is set that could.",
    413: "The body is too large.",
    415: "The body is not JSON by its Content-Type.",
    429: "Too many requests with this key; `Retry-After` says when to go on.",
    503: "Nothing can be answered for now; `Retry-After` says when to ask again.",
}


class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the document says of the service as a whole."""

    title: str
    version: str
    description: str


class ApiDocument:
    """Collects the operations of a service and describes them."""

    def __init__(self, info: ServiceInfo, operations: Sequence[Operation]) -> None:
        """Find the types of all of them."""
        self._info = info
        self._operations = operations
        self._schemas = _Schemas(_types(operations))

    def content(self) -> dict[str, Any]:
        """The document, as JSON values."""
        paths: dict[str, dict[str, Any]] = {}
        for one in self._operations:
            paths.setdefault(one.path, {})[one.method.lower()] = self._operation(one)
        groups = dict.fromkeys(one.group for one in self._operations)
        document = {
            "openapi": "3.1.0",
            "info": msgspec.to_builtins(self._info),
            "tags": [{"name": group} for group in groups],
            "paths": paths,
            "components": {
                "schemas": self._schemas.components,
                "securitySchemes": {
                    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                    "bearer": {"type": "http", "scheme": "bearer"},
                },
            },
        }
        made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
        return made

    def _operation(self, one: Operation) -> dict[str, Any]:
        parameters = _parameters(one)
        described: dict[str, Any] = {
            "operationId": one.name,
            "summary": one.summary,
            "description": one.description,
            "tags": [one.group],
            "parameters": parameters,
            "responses": self._answers(one),
            "x-codeSamples": snippets(one, parameters),
        }
        if one.body is not None:
            content = {"application/json": {"schema": self._schemas.of(one.body)}}
            described["requestBody"] = {"required": True, "content": content}
        if one.access != "open":
            keys: list[dict[str, list[str]]] = [{"apiKey": []}, {"bearer": []}]
            described["security"] = keys if one.access == "personal" else [{}, *keys]
        return described

    def _answers(self, one: Operation) -> dict[str, Any]:
        problems = {status: self._problem(_PROBLEMS[status]) for status in _statuses(one)}
        own = {str(status): self._answer(answer) for status, answer in one.answers.items()}
        return dict(
            sorted(({str(status): made for status, made in problems.items()} | own).items())
        )

    def _problem(self, description: str) -> dict[str, Any]:
        return self._answer(
            Documented(description=description, body=Problem, media_type=PROBLEM_MEDIA_TYPE)
        )

    def _answer(self, answer: Documented) -> dict[str, Any]:
        described: dict[str, Any] = {"description": answer.description}
        if answer.headers:
            described["headers"] = {
                name: {"description": says, "schema": {"type": "string"}}
                for name, says in answer.headers.items()
            }
        if answer.body is not None:
            schema = self._schemas.of(answer.body)
            described["content"] = {answer.media_type: {"schema": schema}}
        return described


class _Schemas:
    """Every type once, named by its class."""

    def __init__(self, kinds: Sequence[Any]) -> None:
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS)
        self._schemas = dict(zip(map(repr, kinds), schemas, strict=True))

    def of(self, kind: Any) -> Mapping[str, Any]:
        return self._schemas[repr(kind)]


def _types(operations: Sequence[Operation]) -> list[Any]:
    bodies = [one.body for one in operations if one.body is not None]
    answers = [answer.body for one in operations for answer in one.answers.values()]
    kinds = [Problem, *bodies, *(kind for kind in answers if kind is not None)]
    return list({repr(kind): kind for kind in kinds}.values())


def _statuses(one: Operation) -> Iterable[int]:
    """Of the problems that many operations have, those of this one."""
    if one.parameters is not None or one.body is not None:
        yield 400
    if one.access != "open":
        yield from (401, 403)
    if one.body is not None:
        yield from (413, 415)
    yield from (429, 503)


def _parameters(one: Operation) -> list[dict[str, Any]]:
    if one.parameters is None:
        return []
    in_path = set(_IN_PATH.findall(one.path))
    schema = next(iter(msgspec.json.schema(one.parameters)["$defs"].values()))
    required = set(schema.get("required", ()))
    return [
        _parameter(name, dict(described), in_path=name in in_path, required=name in required)
        for name, described in schema["properties"].items()
    ]


def _parameter(
    name: str, schema: dict[str, Any], *, in_path: bool, required: bool
) -> dict[str, Any]:
    """A parameter; what is said of it stands beside its schema, where pages show it."""
    kinds = [dict(kind) for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema |= kinds.pop()
    elif kinds:
        schema["anyOf"] = kinds
    if schema.get("default", 0) is None:
        del schema["default"]
    made: dict[str, Any] = {
        "name": name,
        "in": "path" if in_path else "query",
        "required": required or in_path,
    }
    for one in (*kinds, schema):
        if description := one.pop("description", None):
            made["description"] = description
        if examples := one.pop("examples", None):
            made["example"] = examples[0]
    return made | {"schema": schema}
