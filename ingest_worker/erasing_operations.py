"""What erasing and exporting take and answer, for the webhook's OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.erasing.export import PersonExport
from core.erasing.receipt import Receipt
from core.http.operation import Documented, Method, Operation
from ingest_worker.messages import Job, Refusal
from ingest_worker.paths import ERASE_PATH, USERS_PATH

CACHE = {"Cache-Control": "Who may keep the answer."}
RETRY = {"Retry-After": "After how many seconds to send it again."}
CHALLENGE = {"WWW-Authenticate": "How a key is presented."}
_GROUP = "Persons"

Jobs = Annotated[
    list[Any] | dict[str, Any],
    Meta(
        description="Jobs of RudderStack, or a single one. Of `userAttributes`, `userId` and "
        "`anonymousId` are looked at.",
        examples=[[{"jobId": "1", "destType": "WEBHOOK", "userAttributes": [{"userId": "ada"}]}]],
    ),
]


class PersonParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is about."""

    user_id: Annotated[
        str,
        Meta(
            min_length=1,
            pattern=r"\S",
            description="Any id of the person; slashes as they are or as `%2F`.",
            examples=["ada"],
        ),
    ]


def refusal(description: str, headers: Mapping[str, str] | None = None) -> Documented:
    """An answer in the form that RudderStack's SDKs understand."""
    return Documented(description=description, body=Refusal, headers=CACHE | dict(headers or {}))


def erasing_operations(*, asks_for_key: bool) -> Iterator[Operation]:
    """All of them; what is said of keys only where one is asked for."""
    refusals = _REFUSALS | (_OF_KEYS if asks_for_key else {})
    yield _person(
        "erase_person",
        "DELETE",
        "Erase a person",
        "Everything that is kept of all ids of the person goes, and what comes of them is refused "
        "for a term. Asking again changes nothing, and finishes what was cut off.",
        {200: Documented(description="What was removed.", body=Receipt, headers=CACHE)} | refusals,
    )
    yield _person(
        "export_person",
        "GET",
        "Everything that is kept of a person",
        "Of all ids of the person; of somebody unknown, nothing.",
        {200: Documented(description="All of it.", body=PersonExport, headers=CACHE)} | refusals,
    )
    yield Operation(
        name="erase_jobs",
        path=ERASE_PATH,
        method="POST",
        summary="Erase persons, as RudderStack asks for it",
        description="Every job is answered in its place; one without any id is a 400 there, and "
        "its neighbours are done.",
        group=_GROUP,
        access="operate",
        body=Jobs,
        answers=refusals
        | {
            200: Documented(description="One outcome a job.", body=list[Job], headers=CACHE),
            413: refusal("Too many bytes or users."),
            415: refusal("The Content-Type is not JSON."),
        },
    )


def _person(
    name: str, method: Method, summary: str, description: str, answers: Mapping[int, Documented]
) -> Operation:
    return Operation(
        name=name,
        path=f"{USERS_PATH}/{{user_id}}",
        method=method,
        summary=summary,
        description=description,
        group=_GROUP,
        access="operate",
        parameters=PersonParameters,
        answers=answers,
    )


_REFUSALS = {
    400: refusal("What is given cannot be used."),
    403: refusal("Without a key for it, only this machine may ask."),
    503: refusal("It is not finished; ask again.", RETRY),
}
_OF_KEYS = {
    401: refusal("The key is missing or wrong.", CHALLENGE),
    403: refusal("The key has no right to this: those of INGEST_API_KEY have none."),
    429: refusal("Too many wrong keys from this address.", RETRY),
}
