"""What the webhook takes and answers, for its OpenAPI document.

Its refusals are no problem documents: RudderStack's SDKs understand their own form.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.http.access import AccessPolicy
from core.http.keys import API_KEY_HEADER
from core.http.openapi import KEY_SCHEMES, ApiDocument, ServiceInfo
from core.http.operation import Documented, Method, Operation
from ingest_worker.erasing_operations import (
    CACHE,
    CHALLENGE,
    RETRY,
    erasing_operations,
    refusal,
)
from ingest_worker.messages import Accepted, Alive, Ready
from ingest_worker.paths import INGEST_PATH
from ingest_worker.settings import IngestSettings

_METHODS: tuple[Method, ...] = ("POST", "PUT", "PATCH")
_ABOUT = "Takes events from RudderStack and its SDKs and stores them; the workers judge them later."

Call = Literal["batch", "identify", "track", "page", "screen", "group", "alias", "merge"]
Events = Annotated[
    Any,
    Meta(
        description="One event of RudderStack, an array of events, or an object with them in "
        "`batch`; plain or gzipped. Any JSON is stored: each event is judged alone, later.",
        examples=[
            {
                "type": "track",
                "event": "CONTENT_VIEW_ENDED",
                "userId": "ada",
                "properties": {
                    "content": {"content_id": "brundibar-terezin"},
                    "details": {"reason": "next_button", "dwell_seconds": 60},
                },
            }
        ],
    ),
]


class CallParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which path of the SDKs it is."""

    call: Annotated[
        Call,
        Meta(
            description="`batch`, or the type of a bare event that does not name its own.",
            examples=["track"],
        ),
    ]


def webhook_document(
    settings: IngestSettings, policy: AccessPolicy, release: str, others: Sequence[Operation]
) -> ApiDocument:
    """The webhook's document; `others` are operations that every service has."""
    info = ServiceInfo(
        title="ai-engine webhook",
        version=release,
        description=_ABOUT,
        key_variable="INGEST_API_KEY",
    )
    asks = policy.has_keys
    operations = [
        *webhook_operations(asks_for_key=asks),
        *erasing_operations(asks_for_key=asks),
        *others,
    ]
    return ApiDocument(info, operations, policy, _key_schemes(settings))


def webhook_operations(*, asks_for_key: bool) -> Iterator[Operation]:
    """All of them; what is said of keys only where one is asked for."""
    answers = _ANSWERS | (_OF_KEYS if asks_for_key else {})
    for path, name in ((INGEST_PATH, "ingest"), ("/v1/{call}", "sdk"), (_BELOW, "sdk_below")):
        is_sdk = name != "ingest"
        for method in _METHODS:
            yield Operation(
                name=f"{name}_{method.lower()}",
                path=path,
                method=method,
                summary="Send events" if not is_sdk else "Send events as the SDKs do",
                description="A slash at the end of the path changes nothing.",
                group="Events",
                access="ingest",
                parameters=CallParameters if is_sdk else None,
                body=Events,
                answers=answers | ({404: _NO_PATH} if is_sdk else {}),
            )
    yield from _PROBES


_BELOW = f"{INGEST_PATH}/v1/{{call}}"


def _answer(kind: type[msgspec.Struct], description: str) -> Documented:
    return Documented(description=description, body=kind, headers=CACHE)


_ANSWERS = {
    200: _answer(Accepted, "The body is stored."),
    400: refusal("The body is not JSON; RudderStack drops it."),
    413: refusal("Too many bytes or events; RudderStack drops the body."),
    503: refusal("The body was not stored; RudderStack sends it again.", RETRY),
}
_OF_KEYS = {
    401: refusal("The key is missing or wrong; RudderStack drops the body.", CHALLENGE),
    403: refusal("The key has no right to this; RudderStack drops the body."),
    429: refusal("Too many wrong keys from this address; RudderStack sends it again.", RETRY),
}
_NO_PATH = refusal("There is no such call.")
_PROBES = (
    Operation(
        name="healthz",
        path="/healthz",
        summary="Whether the process is alive",
        group="Probes",
        answers={200: _answer(Alive, "It is.")},
    ),
    Operation(
        name="readyz",
        path="/readyz",
        summary="Whether requests will be stored",
        group="Probes",
        answers={200: _answer(Ready, "They will."), 503: refusal("They will not.", RETRY)},
    ),
)


def _key_schemes(settings: IngestSettings) -> Mapping[str, Mapping[str, str]]:
    basic = {"basic": {"type": "http", "scheme": "basic"}}
    if settings.api_key_header.lower() == API_KEY_HEADER.lower():
        return {**KEY_SCHEMES, **basic}
    own = {"ownHeader": {"type": "apiKey", "in": "header", "name": settings.api_key_header}}
    return {**KEY_SCHEMES, **basic, **own}
