"""Who is let into the webhook, and what is said to others."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from core.http.gate import Gate
from core.http.keys import API_KEY_HEADER, presented_keys
from core.http.local import is_asked_locally
from core.http.operation import Right
from core.http.senders import sender_of


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request is not let in."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = {}


_NO_KEY = Refused(
    status=401,
    code="unauthorized",
    message="the key is missing or wrong",
    headers={"WWW-Authenticate": 'Bearer, Basic realm="ingest"'},
)
_NO_RIGHT = Refused(
    status=403, code="forbidden", message="the key has no right to this; KEYS_FILE gives rights"
)
_CLOSED = Refused(
    status=403, code="closed", message="set KEYS_FILE to let those in who have a key for this"
)


class WebhookDoors:
    """Lets requests in by their keys, in whichever place a sender can put one."""

    def __init__(self, gate: Gate, key_header: str = API_KEY_HEADER) -> None:
        """`key_header` is one more that may carry a key."""
        self._gate = gate
        self._key_headers = (API_KEY_HEADER, key_header)

    def refusal(self, right: Right, request: Request) -> Refused | None:
        """Why a request for something that needs this right is refused, None if it is not."""
        presented = presented_keys(request.headers, names=self._key_headers, basic=True)
        sender = sender_of(request.client.host if request.client else "")
        entry = self._gate.judge(right, presented, sender)
        match entry.verdict:
            case "granted":
                return None
            case "forbidden":
                return _NO_RIGHT
            case "throttled":
                return Refused(
                    status=429,
                    code="too_many_wrong_keys",
                    message="too many wrong keys came from this address",
                    headers={"Retry-After": str(entry.retry_after_s)},
                )
            case "unasked":
                return self._without_keys(right, request)
        return _NO_KEY

    def _without_keys(self, right: Right, request: Request) -> Refused | None:
        rule = self._gate.policy.rule(right)
        is_ours = rule != "local" or is_asked_locally(request.headers)
        return None if rule != "closed" and is_ours else _CLOSED
