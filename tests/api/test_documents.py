"""The OpenAPI documents are valid, say what is sent, and their snippets work as they stand."""

import re
import shlex
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.types import ASGIApp

from tests.api.asking import ask, document_of, operations_of
from tests.api.services import KEY, OPERATOR, read_api, webhook

SERVICES: dict[str, ASGIApp] = {
    "read API": read_api(),
    "read API with keys": read_api(api_key=KEY, require_key=True, rate_per_minute=1000),
    "webhook": webhook(),
    "webhook with a key": webhook(more_keys=[OPERATOR], api_key_header="X-Mine"),
}
services = pytest.mark.parametrize("app", SERVICES.values(), ids=SERVICES)
OF_EVERY_ANSWER = {
    "content-length",
    "content-type",
    "content-security-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}


@services
async def test_the_document_is_valid_openapi(app: ASGIApp) -> None:
    OpenAPIV31SpecValidator(await document_of(app)).validate()


@services
async def test_everything_is_said_in_words_and_named_once(app: ASGIApp) -> None:
    document = await document_of(app)
    operations = operations_of(document)
    names = [one.content["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    for one in operations:
        assert one.content["summary"]
        for parameter in one.content["parameters"]:
            assert parameter.get("description"), (one.path, parameter["name"])
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name


@services
async def test_the_headers_of_an_answer_are_those_that_are_declared(app: ASGIApp) -> None:
    for one in operations_of(await document_of(app)):
        answer = await one.ask(app)
        assert answer.status_code == 200, answer.text
        declared = {name.lower() for name in one.content["responses"]["200"].get("headers", ())}
        assert set(answer.headers) - OF_EVERY_ANSWER == declared, one.path


def request_of_curl(line: str) -> tuple[str, str, dict[str, Any]]:
    """What curl would send, as a shell would read the line."""
    for variable in ("$SERVE_API_KEY", "$INGEST_API_KEY", "$OPERATOR_KEY"):
        line = line.replace(variable, KEY)
    words = shlex.split(line.replace("\\\n", ""))
    assert words[:2] == ["curl", "-s"]
    url, options = words[2], words[3:]
    given: dict[str, Any] = {"headers": {}}
    method = "GET"
    for flag, value in zip(options[::2], options[1::2], strict=True):
        if flag == "-H":
            name, _, text = value.partition(": ")
            given["headers"][name] = text
        elif flag == "-X":
            method = value
        else:
            assert flag == "-d"
            given["content"] = value.encode()
            method = "POST" if method == "GET" else method
    return method, url, given


@services
async def test_every_curl_snippet_works_as_it_stands(app: ASGIApp) -> None:
    for one in operations_of(await document_of(app)):
        [line] = [it["source"] for it in one.content["x-codeSamples"] if it["label"] == "curl"]
        method, url, given = request_of_curl(line)
        assert method == one.method
        answer = await ask(app, method, url, **given)
        assert answer.status_code == 200, (line, answer.text)


async def document_at(app: ASGIApp, **headers: str) -> str:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as client:
        return (await client.get("/openapi.json", headers=headers)).text


async def test_snippets_ask_the_service_by_the_name_that_it_was_asked_by() -> None:
    text = await document_at(SERVICES["read API"], Host="api.example.org:8443")
    assert set(re.findall(r"https?://[^/\\'\" ]+", text)) == {"http://api.example.org:8443"}


@pytest.mark.parametrize("host", ["a';rm -rf ~;'", "'$(id)'"])
async def test_a_host_that_is_none_does_not_get_into_a_snippet(host: str) -> None:
    text = await document_at(SERVICES["read API"], Host=host)
    assert host not in text
    assert "curl -s 'http://127.0.0.1" in text


async def test_the_document_says_who_asks_for_a_key() -> None:
    open_one = await document_of(SERVICES["read API"])
    closed = await document_of(SERVICES["read API with keys"])
    recommend, model = "/api/recommend", "/api/usermodel"
    keys: list[Any] = [{"apiKey": []}, {"bearer": []}]
    assert open_one["paths"][recommend]["get"]["security"] == [{}, *keys]
    assert closed["paths"][recommend]["get"]["security"] == keys
    assert closed["paths"][model]["get"]["security"] == keys
    assert "security" not in closed["paths"]["/healthz"]["get"]
    schemes = (await document_of(SERVICES["webhook with a key"]))["components"]["securitySchemes"]
    assert schemes["ownHeader"] == {"type": "apiKey", "in": "header", "name": "X-Mine"}


async def test_what_the_doors_answer_is_declared_wherever_they_stand() -> None:
    for one in operations_of(await document_of(SERVICES["read API with keys"])):
        declared = set(one.problems())
        guarded = "security" in one.content
        assert ({401, 429, 503} <= declared) is guarded, one.path
        assert ({400, 413, 415} <= declared) is one.takes_body, one.path
        assert (400 in declared) is (one.takes_body or one.takes_parameters), one.path
        assert (304 in declared) is ("ETag" in one.content["responses"]["200"]["headers"])


@pytest.mark.parametrize(
    "app", [read_api(api_key=KEY), read_api(), webhook(api_key=KEY), webhook()]
)
async def test_what_is_said_of_keys_is_declared_where_one_is_asked_for(app: ASGIApp) -> None:
    for one in operations_of(await document_of(app)):
        declared = {401, 403, 429} & set(one.problems())
        assert (declared == {401, 403, 429}) is one.is_personal, one.path
