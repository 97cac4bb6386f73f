"""What an HTTP operation takes and answers, declared once.

Requests are read and the OpenAPI document is made from the same types.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Method = Literal["DELETE", "GET", "PATCH", "POST", "PUT"]
Access = Literal["open", "recommend", "personal"]
"""`open` to everybody; `recommend` and `personal` by the settings of the service."""


class Documented(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers. `body` is its type, None where there is no body."""

    description: str
    body: Any = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = {}
    """From the name of a header to what it says."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation. The fields of `parameters` are its path and query parameters."""

    name: str
    path: str
    method: Method = "GET"
    summary: str
    description: str = ""
    group: str
    access: Access = "open"
    parameters: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answers: Mapping[int, Documented]
    """Those that are its own; what every operation may answer is added."""
    timeout_s: float | None = None
    """How long it may take; None is as long as the service's operations usually may."""
