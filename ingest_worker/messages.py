"""What the webhook answers."""

from typing import Literal

import msgspec


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The body is stored; so many events of it are judged one by one later."""

    accepted: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is stored.

    `code` and `message` both: RudderStack's Python SDK re-sends for ever on any other JSON.
    """

    code: str
    message: str


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Requests will be stored."""

    status: Literal["ready"] = "ready"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one of RudderStack's jobs, in its words."""

    status_code: int = msgspec.field(default=200, name="statusCode")
    status: Literal["successful", "failed"] = "successful"
    error: str | msgspec.UnsetType = msgspec.UNSET
