"""The OpenAPI 3.1 document of a service, made from the types that its operations declare.

Source: OpenAPI Specification 3.1.1.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from core.http.access import AccessPolicy
from core.http.operation import Documented, Operation
from core.http.snippets import snippets

_IN_PATH = re.compile(r"\{(\w+)\}")
_SCHEMAS = "#/components/schemas/{name}"
_HEADERS = "#/components/headers/{name}"
KEY_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


OPERATOR_KEY = "OPERATOR_KEY"
"""Stands in examples for a key that may operate, which no setting holds."""


class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the document says of the service as a whole."""

    title: str
    version: str
    description: str
    key_variable: str
    """The setting that holds its keys, as snippets name it."""


class ApiDocument:
    """Describes a service that answers its operations as they declare it."""

    def __init__(
        self,
        info: ServiceInfo,
        operations: Sequence[Operation],
        policy: AccessPolicy,
        key_schemes: Mapping[str, Mapping[str, str]] = KEY_SCHEMES,
    ) -> None:
        """Find the types of all of them."""
        self._info = info
        self._operations = operations
        self._policy = policy
        self._key_schemes = key_schemes
        self._schemas = _Schemas(_types(operations))
        self._headers: dict[str, Any] = {
            name: {"description": says, "schema": {"type": "string"}}
            for one in operations
            for answer in one.answers.values()
            for name, says in answer.headers.items()
        }

    def content(self, server_url: str) -> dict[str, Any]:
        """The document, as JSON values; snippets ask `server_url`."""
        paths: dict[str, dict[str, Any]] = {}
        for one in self._operations:
            paths.setdefault(one.path, {})[one.method.lower()] = self._operation(one, server_url)
        document = {
            "openapi": "3.1.0",
            "info": {
                "title": self._info.title,
                "version": self._info.version,
                "description": self._info.description,
            },
            # Relative to the document: right behind every proxy.
            "servers": [{"url": "/"}],
            "tags": [
                {"name": group} for group in dict.fromkeys(one.group for one in self._operations)
            ],
            "paths": paths,
            "components": {
                "schemas": self._schemas.components,
                "headers": self._headers,
                "securitySchemes": self._key_schemes,
            },
        }
        made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
        return made

    def _operation(self, one: Operation, server_url: str) -> dict[str, Any]:
        parameters = _parameters(one)
        asks_for_key = self._policy.rule(one.access) in ("key", "closed")
        described: dict[str, Any] = {
            "operationId": one.name,
            "summary": one.summary,
            "tags": [one.group],
            "parameters": parameters,
            "responses": {str(status): self._answer(it) for status, it in one.answers.items()},
        }
        if one.description:
            described["description"] = one.description
        body = None
        if one.body is not None:
            schema = self._schemas.of(one.body)
            described["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schema}},
            }
            body = self._schemas.example(schema)
        if one.access != "open":
            keys: list[dict[str, list[str]]] = [{name: []} for name in self._key_schemes]
            described["security"] = keys if asks_for_key else [{}, *keys]
        variable = OPERATOR_KEY if one.access == "operate" else self._info.key_variable
        key = variable if asks_for_key else None
        described["x-codeSamples"] = snippets(one, parameters, body, server_url, key)
        return described

    def _answer(self, answer: Documented) -> dict[str, Any]:
        described: dict[str, Any] = {"description": answer.description}
        if answer.headers:
            described["headers"] = {
                name: {"$ref": _HEADERS.format(name=name)} for name in answer.headers
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

    def example(self, schema: Mapping[str, Any]) -> Any:
        """Its own example, or else those of its fields."""
        if "$ref" in schema:
            return self.example(self.components[schema["$ref"].rpartition("/")[2]])
        if "examples" in schema:
            return schema["examples"][0]
        fields = {name: self.example(field) for name, field in schema.get("properties", {}).items()}
        return {name: example for name, example in fields.items() if example is not None} or None


def _types(operations: Sequence[Operation]) -> list[Any]:
    bodies = [one.body for one in operations]
    answers = [answer.body for one in operations for answer in one.answers.values()]
    return list({repr(kind): kind for kind in (*bodies, *answers) if kind is not None}.values())


def _parameters(one: Operation) -> list[dict[str, Any]]:
    if one.parameters is None:
        return []
    in_path = set(_IN_PATH.findall(one.path))
    [reference], components = msgspec.json.schema_components([one.parameters])
    schema = components[reference["$ref"].rpartition("/")[2]]
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
