"""`ErasingDoor`: persons are erased and exported, by their ids or in RudderStack's form.

Every id of a request is done or none is answered: what was cut off in between
is finished by asking again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from core.erasing.eraser import Eraser
from core.erasing.export import Exporter
from core.erasing.receipt import Receipt
from core.errors import RetryableError
from core.http.lengths import claimed_length
from core.log_names import PERSON_ERASED, REQUEST_DEFERRED
from core.normalizing.ids import text_id
from core.pseudonyms import pseudonym
from ingest_worker.answers import Answer, refuse, refused_by, try_later
from ingest_worker.body import BadEncodingError, BodyTooLargeError, read_body
from ingest_worker.doors import WebhookDoors
from ingest_worker.messages import Job
from ingest_worker.paths import ERASE_PATH, USERS_PATH
from ingest_worker.settings import IngestSettings

_MAX_BYTES = 1024**2
_MAX_IDS = 1_000
"""Of one request; RudderStack sends fewer."""
_WITHIN_S = 120
"""A full stream is looked through in a minute."""
_NO_ID = "userAttributes must hold a userId or an anonymousId"

_log = structlog.get_logger()


class ErasingDoor:
    """The routes for whoever operates the service."""

    def __init__(
        self,
        eraser: Eraser,
        exporter: Exporter,
        doors: WebhookDoors,
        settings: IngestSettings,
        clock_ms: Callable[[], int],
    ) -> None:
        """Keep what does the work, who may ask for it, and how much at once."""
        self._eraser = eraser
        self._exporter = exporter
        self._doors = doors
        self._max_bytes = min(settings.max_body_bytes, _MAX_BYTES)
        self._clock_ms = clock_ms

    def routes(self) -> Sequence[Route]:
        """Ids may have slashes in them."""
        path = f"{USERS_PATH}/{{user_id:path}}"
        return (
            Route(path, self._answering(self._person), methods=["DELETE", "GET"]),
            Route(ERASE_PATH, self._answering(self._jobs), methods=["POST"]),
        )

    def _answering(
        self, handle: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Lets in who may ask, and answers in time."""

        async def answer(request: Request) -> Response:
            if (why := self._doors.refusal("operate", request)) is not None:
                return refused_by(why)
            try:
                async with asyncio.timeout(_WITHIN_S):
                    return await handle(request)
            except (RetryableError, TimeoutError) as exc:
                _log.warning(REQUEST_DEFERRED, error=str(exc) or "time-out")
                return try_later("it is not finished; ask again")

        return answer

    async def _person(self, request: Request) -> Response:
        """Erased by DELETE, exported by GET."""
        user_id = text_id(request.path_params["user_id"])
        if user_id is None or request.query_params:
            return refuse(400, "no_user", "the path must end with a user id, without parameters")
        now_ms = self._clock_ms()
        if request.method == "DELETE":
            receipt = await self._eraser.erase(user_id, now_ms=now_ms)
            log_erased(receipt)
            return Answer(200, "erased", receipt)
        return Answer(200, "exported", await self._exporter.export(user_id, now_ms=now_ms))

    async def _jobs(self, request: Request) -> Response:
        """Each job is answered in its place; the work of all of them is done at once."""
        try:
            given = await _jobs_in(request, self._max_bytes)
        except _RefusedError as exc:
            return exc.answer
        jobs = [_ids_of(job) for job in given]
        ids = list(dict.fromkeys(one for job in jobs for one in job))
        if len(ids) > _MAX_IDS:
            return refuse(413, "too_many_users", f"a request may name {_MAX_IDS} users")
        if ids:
            log_erased(await self._eraser.erase_all(ids, now_ms=self._clock_ms()))
        return Answer(200, "erased", [_outcome(job) for job in jobs])


def log_erased(receipt: Receipt) -> None:
    """Say that somebody was erased, and not who."""
    _log.info(
        PERSON_ERASED,
        id_hash=pseudonym(receipt.user_id),
        ids=len(receipt.ids),
        in_hand=receipt.in_hand,
        **msgspec.to_builtins(receipt.counts),
    )


class _RefusedError(Exception):
    """Carries the answer to a body that cannot be used."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = refuse(status, code, message)


async def _jobs_in(request: Request, max_bytes: int) -> list[Any]:
    """The jobs of a body, a single one too."""
    # A page in a browser may send other types to this machine, and no JSON.
    if "json" not in request.headers.get("Content-Type", ""):
        raise _RefusedError(415, "not_json", "the Content-Type must be application/json")
    try:
        given = msgspec.json.decode(
            await read_body(request.stream(), max_bytes, claimed_length(request.headers))
        )
    except BodyTooLargeError as exc:
        raise _RefusedError(413, "too_large", str(exc)) from exc
    except ClientDisconnect as exc:
        raise _RefusedError(400, "disconnected", "the sender went away") from exc
    except (msgspec.DecodeError, BadEncodingError, UnicodeDecodeError, RecursionError) as exc:
        raise _RefusedError(400, "not_json", "the body is not JSON") from exc
    if not isinstance(given, list | dict):
        raise _RefusedError(400, "no_jobs", "the body must be an array of jobs, or one job")
    return given if isinstance(given, list) else [given]


def _ids_of(job: Any) -> list[str]:
    """The ids that a job names; e-mail and the like say nothing here."""
    attributes = job.get("userAttributes") if isinstance(job, dict) else None
    users = attributes if isinstance(attributes, list) else [attributes]
    named = [
        text_id(one.get(name))
        for one in users
        if isinstance(one, dict)
        for name in ("userId", "anonymousId")
    ]
    return [one for one in named if one is not None]


def _outcome(ids: Sequence[str]) -> Job:
    return Job() if ids else Job(status_code=400, status="failed", error=_NO_ID)
