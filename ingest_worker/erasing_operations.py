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


def erasing_operations() -> Iterator[Operation]:
    """All of them."""
    yield _person(
        "erase_person",
        "DELETE",
        "Erase a person",
        "Everything that is kept of all ids of the person goes, and what comes of them is refused "
        "for a term. Asking again changes nothing, and finishes what was cut off.",
        Documented(description="What was removed, and where it lay.", body=Receipt, headers=CACHE),
    )
    yield _person(
        "export_person",
        "GET",
        "Everything that is kept of a person",
        "Of all ids of the person; of somebody unknown, nothing.",
        Documented(description="All that there is.", body=PersonExport, headers=CACHE),
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
        answers=_REFUSALS
        | {
            200: Documented(description="One outcome a job.", body=list[Job], headers=CACHE),
            413: refusal("Too many bytes or users."),
            415: refusal("The Content-Type is not JSON."),
        },
    )


def _person(
    name: str, method: Method, summary: str, description: str, answer: Documented
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
        answers=_REFUSALS | {200: answer},
    )


_REFUSALS = {
    400: refusal("What is given cannot be used."),
    403: refusal("Only this machine may ask."),
    503: refusal("It is not finished; ask again.", RETRY),
}
