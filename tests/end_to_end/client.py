"""What a sender and an app do with a running pipeline."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import msgspec

from deploy.local import LocalStack

WITHIN_S = 40.0
"""Long, for busy machines; what is there sooner is found sooner."""


class Pipeline(msgspec.Struct, frozen=True):
    """The two ports of a running pipeline."""

    ingest_url: str
    serve_url: str
    serve_key: str = ""

    def wait_until_ready(self) -> None:
        eventually(lambda: self._is_ready(self.ingest_url) and self._is_ready(self.serve_url))

    def post(
        self, body: bytes | list[Any] | dict[str, Any], path: str = "/api/ingest", **headers: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(f"{self.ingest_url}{path}", content=content, headers=named)

    def accept(self, *events: Mapping[str, Any]) -> None:
        """Send events and insist on all of them."""
        answer = self.post([dict(event) for event in events])
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"accepted": len(events)}

    def recommend(self, user_id: str, **query: Any) -> Any:
        answer = httpx.get(
            f"{self.serve_url}/api/recommend?{urlencode({'user_id': user_id, **query}, doseq=True)}"
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, user_id: str, **query: Any) -> list[str]:
        return [item["content_id"] for item in self.recommend(user_id, **query)["items"]]

    def model(self, user_id: str) -> Any:
        """The stored model, None for a stranger."""
        answer = httpx.get(
            f"{self.serve_url}/api/usermodel",
            params={"user_id": user_id},
            headers={"X-API-Key": self.serve_key},
        )
        return answer.json() if answer.status_code == 200 else None

    def model_of(self, user_id: str, events: int) -> Any:
        """The model once it knows so many events."""
        return eventually(
            lambda: (model := self.model(user_id)) and model["window"]["events"] >= events and model
        )

    @classmethod
    def of(cls, stack: LocalStack) -> "Pipeline":
        """The ports of a local run."""
        return cls(stack.ingest_url, stack.serve_url)

    def _is_ready(self, url: str) -> bool:
        try:
            answer = httpx.get(f"{url}/readyz")
            return answer.status_code == 200 and not answer.json().get("degraded")
        except httpx.TransportError:
            return False


def eventually(look: Callable[[], Any]) -> Any:
    """The first true thing that `look` finds, within a bounded time."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing within {WITHIN_S:.0f} s")


def visitor() -> str:
    """A user id that no other test uses."""
    return f"visitor-{uuid4()}"


def track(user_id: str, event: str, minutes_ago: float = 1.0, **properties: Any) -> dict[str, Any]:
    """A track event as the in-memorial app sends it."""
    moment = time.time() - minutes_ago * 60
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".000Z"
    return {
        "type": "track",
        "event": event,
        "userId": user_id,
        "messageId": str(uuid4()),
        "timestamp": stamp,
        "properties": properties,
    }


def read(
    user_id: str, content_id: str, seconds: float, reason: str = "next_button", **more: Any
) -> dict[str, Any]:
    """The end of a view that lasted so long."""
    details = {"reason": reason, "dwell_seconds": seconds}
    content = {"content_id": f"content_{content_id}"}
    return track(user_id, "CONTENT_VIEW_ENDED", content=content, details=details, **more)
