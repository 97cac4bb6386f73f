"""Both services answer as their OpenAPI documents say, whatever is sent to them.

Requests are made from the documents: their examples, the edges of every type,
and any others, good and bad. What an operation is not declared to answer fails.
"""

from typing import Any

import schemathesis
from schemathesis import BaseSchema, Case, Config
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import ASGIApp

from tests.api.services import KEY, read_api, webhook

_RULES = (
    "given together with",
    "given once each",
    "ids of items in the catalogue",
    "items that are not liked too",
    "next_before of the page before",
)
"""What problems say of rules over several values or over data, which no schema can say."""


def described(app: ASGIApp, examples: int, **config: Any) -> BaseSchema:
    """An application's document; `examples` is how many requests of any form are made of each."""
    generation = {"max-examples": examples, "deterministic": True, "database": "none"}
    made = Config.from_dict({"seed": 1, "generation": generation, **config})
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=made)


_FAILURES = 1_000_000
"""Wrong keys are told so, however many there are: a 429 instead would be taken for a fault."""
WITH_KEY = {"auth": {"openapi": {"apiKey": {"api_key": KEY}}}}
OPEN_READ_API = described(read_api(), 15)
READ_API_WITH_KEYS = described(
    read_api(api_key=f"old,{KEY}", require_key=True, rate_per_minute=1_000_000, failures=_FAILURES),
    3,
    **WITH_KEY,
)
# Its three methods are one handler.
OPEN_WEBHOOK = described(webhook(), 15).exclude(method=["PUT", "PATCH"])
WEBHOOK_WITH_KEYS = described(
    webhook(api_key=f"old,{KEY}", failures=_FAILURES), 3, **WITH_KEY
).include(path="/api/ingest")


def ask(case: Case[Any]) -> None:
    response = case.call()
    is_rule = response.status_code == 400 and any(rule in response.text for rule in _RULES)
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if is_rule else [])


@OPEN_READ_API.parametrize()
def test_the_read_api_answers_as_it_says(case: Case[Any]) -> None:
    ask(case)


@READ_API_WITH_KEYS.parametrize()
def test_a_read_api_that_asks_for_keys_answers_as_it_says(case: Case[Any]) -> None:
    ask(case)


@OPEN_WEBHOOK.parametrize()
def test_the_webhook_answers_as_it_says(case: Case[Any]) -> None:
    ask(case)


@WEBHOOK_WITH_KEYS.parametrize()
def test_a_webhook_that_asks_for_a_key_answers_as_it_says(case: Case[Any]) -> None:
    ask(case)
