"""What an HTTP operation takes and answers, declared once.

Requests are read and the OpenAPI document is made from the same types.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Method = Literal["DELETE", "GET", "PATCH", "POST", "PUT"]
Right = Literal["ingest", "recommend", "personal", "operate"]
"""What a key may do: send events, ask for lists, ask about a visitor, erase and export one."""
Access = Literal["open", Right]
"""`open` to everybody; the others by the settings of the service (`core.http.access`)."""


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
    body: Any = None
    """The type of what is sent, None where nothing is."""
    answers: Mapping[int, Documented]
    """Those that are its own; what many operations may answer is added (`core.http.answers`)."""
    timeout_s: float | None = None
    """How long it may take; None is as long as the service's operations usually may."""
    etag: bool = False
    """Whether answers carry an ETag, so that 304 may be answered to who has it already."""
