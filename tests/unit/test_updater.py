"""A round of `UserModelUpdater`: many visitors, few calls, each model as if it were alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import ModelConfig
from core.content import Content
from core.modelling.build import ModelBasis
from core.updater import UserModelUpdater
from tests.build import NOW_MS, PLAN, event, read, themed_catalogue

EVENTS = (
    read("hiding-0", 40),
    event("view_started", "rescue-1", impressions=("music-1", "not-in-the-catalogue")),
    read("music-0", 40, user_id="u2"),
)


class CountingContents(InMemoryContentStore):
    """A catalogue that remembers what it was asked for."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        super().__init__(themed_catalogue().contents)
        self.asked: list[Sequence[str]] = []

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        self.asked.append(content_ids)
        return await super().get(content_ids)


def updater(contents: InMemoryContentStore, **more: Any) -> UserModelUpdater:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    basis = ModelBasis.of(PLAN, ModelConfig())
    return UserModelUpdater(FakeEventSource(EVENTS), models, contents, basis, **more)


async def test_a_round_asks_the_catalogue_once_for_all_that_its_visitors_saw() -> None:
    contents = CountingContents()
    await updater(contents).refresh("u1", "stranger", "u2", now_ms=NOW_MS)
    assert contents.asked == [
        ["hiding-0", "music-0", "music-1", "not-in-the-catalogue", "rescue-1"]
    ]


async def test_a_model_of_a_round_is_the_one_that_a_round_of_one_gives() -> None:
    together = await updater(themed_catalogue()).refresh("u1", "u2", now_ms=NOW_MS)
    alone = [
        one
        for user in ("u1", "u2")
        for one in await updater(themed_catalogue()).refresh(user, now_ms=NOW_MS)
    ]
    assert together == alone
    assert [one.signals.user_id for one in together] == ["u1", "u2"]


async def test_others_have_their_turn_before_every_model() -> None:
    turns: list[str] = []

    async def between() -> None:
        turns.append("somebody else's")

    await updater(themed_catalogue(), between=between).refresh("u1", "u2", now_ms=NOW_MS)
    assert len(turns) == 2


async def test_a_visitor_without_events_gets_no_model() -> None:
    [one] = await updater(themed_catalogue()).refresh("stranger", now_ms=NOW_MS)
    assert (one.signals, one.saved) == (None, False)
