"""How to ask for an operation, in curl and in JavaScript."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from core.http.keys import API_KEY_HEADER
from core.http.operation import Operation


def snippets(
    one: Operation,
    parameters: Sequence[Mapping[str, Any]],
    body: Any,
    server_url: str,
    key_variable: str | None,
) -> list[dict[str, str]]:
    """Both, with the examples of the parameters and of the body.

    `key_variable` holds a key where one is asked for.
    Shape: as `x-codeSamples` of OpenAPI pages.
    """
    url = server_url + _target(one, parameters)
    text = None if body is None else json.dumps(body, ensure_ascii=False)
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(one, url, text, key_variable)},
        {
            "lang": "JavaScript",
            "label": "JavaScript",
            "source": _javascript(one, url, text, key_variable),
        },
    ]


def _target(one: Operation, parameters: Sequence[Mapping[str, Any]]) -> str:
    """Path and query; parameters without an example are left out."""
    path, query = one.path, []
    for parameter in parameters:
        if "example" not in parameter:
            continue
        name, example = parameter["name"], parameter["example"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(example), safe=""))
        else:
            query.append((name, int(example) if isinstance(example, bool) else example))
    return f"{path}?{urlencode(query, doseq=True, safe=':,')}" if query else path


def _curl(one: Operation, url: str, body: str | None, key_variable: str | None) -> str:
    """In single quotes, as a `?` and a `&` mean something to a shell."""
    parts = [f"curl -s {shlex.quote(url)}"]
    if one.method not in ("GET", "POST") or (one.method == "POST" and body is None):
        parts.append(f"-X {one.method}")
    if key_variable is not None:
        parts.append(f'-H "{API_KEY_HEADER}: ${key_variable}"')
    if body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(parts)


def _javascript(one: Operation, url: str, body: str | None, key_variable: str | None) -> str:
    headers = []
    if key_variable is not None:
        # The value is the reader's: a page must not hold a key that its visitors may not see.
        headers.append(f"'{API_KEY_HEADER}': {key_variable}")
    if body is not None:
        headers.append("'Content-Type': 'application/json'")
    lines = []
    if one.method != "GET":
        lines.append(f"  method: '{one.method}',")
    if headers:
        lines.append(f"  headers: {{ {', '.join(headers)} }},")
    if body is not None:
        lines.append(f"  body: JSON.stringify({body}),")
    options = ", {\n" + "\n".join(lines) + "\n}" if lines else ""
    is_json = any(
        "json" in one.answers[status].media_type for status in (200,) if status in one.answers
    )
    reading = "json" if is_json else "text"
    return (
        f"const answer = await fetch({json.dumps(url)}{options});\n"
        f"console.log(await answer.{reading}());"
    )
