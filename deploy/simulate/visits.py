"""Visits: a list, a look through it, a story or two, and the next list, until one is tired."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import numpy as np

from deploy.simulate.clicks import ClickModel
from deploy.simulate.service import Service
from deploy.simulate.world import Visitor, World, chances

LIMIT = 10
_TIRED_A_LIST = 0.25
"""Log-odds that every further list of a visit takes off."""
_LIST_MS = 90_000
_READ_SECONDS, _LEFT_SECONDS = (25.0, 60.0), (1.0, 4.0)
_LIKED_BEYOND = 1.5
"""Who opens a story likes it as if the log-odds were so much greater."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One list as it went. `earns` and `best` are openings in the mean, of this and of the best.

    `arm` is the variant that answered; of an explored list the order was drawn.
    """

    user_id: str
    arm: str
    is_explored: bool
    earns: float
    best: float
    opened: int


class Visit:
    """One visit of one visitor; `look` is called once a list."""

    def __init__(
        self, world: World, visitor: Visitor, model: ClickModel, *, at_ms: int, seed: int
    ) -> None:
        """Begins at that moment of the simulated time. Units: Unix milliseconds."""
        self._world = world
        self.visitor = visitor
        self._model = model
        self._at_ms = at_ms
        self._draw = np.random.default_rng(seed)
        self._session = f"{visitor.user_id}-{at_ms}"
        self._lists = 0
        self._opened: set[int] = set()

    def look(self, service: Service, opened_before: set[int]) -> Shown:
        """One list: ask for it, look through it, say what was done.

        `opened_before` are the rows that the visitor has ever opened; it grows.
        """
        near = self.visitor.position
        answer = service.recommend(
            user_id=self.visitor.user_id,
            limit=LIMIT,
            at=self._at_ms,
            near=None if near is None else f"{near[0]},{near[1]}",
        )
        rows = np.array([self._world.row_of[one["content_id"]] for one in answer["items"]])
        tired = _TIRED_A_LIST * self._lists
        likes = chances(self.visitor, rows, tired)
        # A story that was read is hardly opened again.
        likes[[int(row) in opened_before for row in rows]] *= 0.1
        places = self._model.clicks(likes, self._draw)
        service.send(list(self._events(answer, rows, places)))
        shown = Shown(
            user_id=self.visitor.user_id,
            arm=answer["diagnostics"].get("experiment", {}).get("variant", ""),
            is_explored="exploration" in answer["diagnostics"],
            earns=self._model.expected(likes),
            best=self._best(opened_before, tired),
            opened=len(places),
        )
        opened_before.update(int(rows[place]) for place in places)
        self._lists += 1
        self._at_ms += _LIST_MS
        return shown

    def _best(self, opened_before: set[int], tired: float) -> float:
        """What the best list would earn, which nobody but the simulator knows."""
        every = chances(self.visitor, np.arange(len(self._world.ids)), tired)
        every[list(opened_before)] *= 0.1
        return self._model.expected(np.sort(every)[::-1][:LIMIT])

    def _events(self, answer: Any, rows: Any, places: Sequence[int]) -> Iterator[dict[str, Any]]:
        """What the app sends: which were shown beside it, how it was read and how it ended."""
        shown = [one["content_id"] for one in answer["items"]]
        for number, place in enumerate(places):
            at_ms = self._at_ms + 5_000 * (number + 1)
            liked = (
                self._draw.random() < chances(self.visitor, rows[[place]], -_LIKED_BEYOND).item()
            )
            seconds = self._draw.uniform(*(_READ_SECONDS if liked else _LEFT_SECONDS))
            reason = "next_button" if liked else "abandon"
            content = {"content_id": f"content_{shown[place]}"}
            others = [one for one in shown if one != shown[place]]
            started = {"content": content, "context": {"candidates": others}}
            details = {"request_id": answer["request_id"]}
            yield self._track("CONTENT_VIEW_STARTED", at_ms, started | {"details": details})
            ended = {
                "content": content,
                "details": details | {"reason": reason, "dwell_seconds": round(seconds, 1)},
            }
            yield self._track("CONTENT_VIEW_ENDED", at_ms + 1_000, ended)

    def _track(self, name: str, at_ms: int, properties: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
        return {
            "type": "track",
            "event": name,
            "messageId": str(UUID(bytes=self._draw.bytes(16), version=4)),
            "userId": self.visitor.user_id,
            "originalTimestamp": moment,
            "context": {"sessionId": self._session},
            "properties": properties,
        }
