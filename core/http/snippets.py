"""How to ask for an operation, in curl and in JavaScript."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from core.http.operation import Operation

_HERE = "http://127.0.0.1:8081"


def snippets(one: Operation, parameters: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Both, with the parameters' examples. Shape: as `x-codeSamples` of OpenAPI pages."""
    url, body = _HERE + _target(one, parameters), _example_body(one)
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(one, url, body)},
        {"lang": "JavaScript", "label": "JavaScript", "source": _javascript(one, url, body)},
    ]


def _target(one: Operation, parameters: Sequence[Mapping[str, Any]]) -> str:
    path, query = one.path, []
    for parameter in parameters:
        if "example" not in parameter:
            continue
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        else:
            example = parameter["example"]
            query.append((parameter["name"], int(example) if example is True else example))
    return f"{path}?{urlencode(query)}" if query else path


def _example_body(one: Operation) -> str | None:
    if one.body is None:
        return None
    schema = next(iter(msgspec.json.schema(one.body)["$defs"].values()))
    shown = {
        name: field["examples"][0]
        for name, field in schema["properties"].items()
        if "examples" in field
    }
    return json.dumps(shown, ensure_ascii=False)


def _curl(one: Operation, url: str, body: str | None) -> str:
    parts = [f"curl -s '{url}'"]
    if one.access == "personal":
        parts.append('-H "X-API-Key: $SERVE_API_KEY"')
    if body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d '{body}'"]
    return " \\\n  ".join(parts)


def _javascript(one: Operation, url: str, body: str | None) -> str:
    headers = {}
    if one.access == "personal":
        headers["X-API-Key"] = "…"
    if body is not None:
        headers["Content-Type"] = "application/json"
    lines = []
    if one.method != "GET":
        lines.append(f"  method: '{one.method}',")
    if headers:
        lines.append(f"  headers: {json.dumps(headers, ensure_ascii=False)},")
    if body is not None:
        lines.append(f"  body: JSON.stringify({body}),")
    options = ", {\n" + "\n".join(lines) + "\n}" if lines else ""
    return f"const answer = await fetch('{url}'{options});\nconsole.log(await answer.json());"
