"""Anything that a visitor may have done, as events, by Hypothesis."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from adapters.memory.event_buffer import FakeEventSource
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import EngagementConfig, ModelConfig, SignalsConfig
from core.events import InteractionEvent
from core.modelling.build import ModelBasis
from core.signals import UserSignals
from core.updater import UserModelUpdater
from tests.build import DAY_MS, NOW_MS, PLAN, event, themed_catalogue

STORE = themed_catalogue(per_theme=2)
CONTENTS = {content.id: content for content in STORE.contents}
KNOWN = sorted(CONTENTS)
_KINDS = ("view_started", "view_started", "view_ended", "view_ended", "search", "survey", "page")
_ENDS = ("next_button", "link", "close_button", "abandon")

CONFIGS = st.builds(
    ModelConfig,
    engagement=st.builds(
        EngagementConfig,
        ratings=st.sampled_from(["decide", "classic"]),
        completions=st.sampled_from(["read", "classic"]),
        revisits=st.sampled_from(["after_first", "classic"]),
        dwell_weight=st.sampled_from([0.4, 1.0]),
        completion_weight=st.sampled_from([0.3, 1.0]),
    ),
    signals=st.builds(
        SignalsConfig,
        aversion=st.sampled_from(["explicit", "classic"]),
        scale=st.sampled_from(["evidence", "classic"]),
        top_tags=st.sampled_from([2, 40]),
        top_impressions=st.sampled_from([2, 50]),
    ),
)


@st.composite
def happenings(
    draw: st.DrawFn,
    items: Sequence[str] = (*KNOWN, "not-in-the-catalogue"),
    most_shown: int = 3,
    *,
    apart: bool = False,
) -> list[InteractionEvent]:
    """Up to a dozen events; without `apart` many of them share a millisecond."""
    count = draw(st.integers(1, 12))
    moments = st.integers(NOW_MS - 20 * DAY_MS, NOW_MS)
    if not apart:
        moments |= st.sampled_from([NOW_MS - DAY_MS, NOW_MS - 1])
    times = draw(st.lists(moments, min_size=count, max_size=count, unique=apart))
    return [_event(draw, number, ts_ms, items, most_shown) for number, ts_ms in enumerate(times)]


def _event(
    draw: st.DrawFn, number: int, ts_ms: int, items: Sequence[str], most_shown: int
) -> InteractionEvent:
    kind = draw(st.sampled_from((*_KINDS, "interaction")))
    item = draw(st.sampled_from(items))
    more: dict[str, Any] = {}
    if kind == "view_started":
        more["impressions"] = tuple(draw(st.lists(st.sampled_from(items), max_size=most_shown)))
        more["session_id"] = "s1"
    elif kind == "view_ended":
        more["reason"] = draw(st.none() | st.sampled_from(_ENDS))
        more["dwell_seconds"] = draw(st.none() | st.floats(0, 60) | st.sampled_from([25.0, 60.0]))
        more["session_id"] = "s1"
    elif kind == "survey":
        more["rating"] = draw(st.none() | st.integers(1, 5).map(float))
        theme = st.sampled_from(["Hiding", "hiding", "theme_what:Rescue"])
        keys = st.sampled_from(["personalization_theme", "personalization_interest", "age"])
        more["answers"] = draw(st.dictionaries(keys, theme | st.integers(5, 80), max_size=2))
    elif kind == "interaction":
        more["strength"] = draw(st.none() | st.floats(-1, 1))
    # Two events may have one message id: they differ in something else, or are one event.
    message = f"m{draw(st.integers(0, number))}"
    return event(kind, None if kind == "page" else item, ts_ms=ts_ms, message_id=message, **more)


async def stored(
    events: Sequence[InteractionEvent], basis: ModelBasis
) -> tuple[UserSignals | None, FakeEventSource, InMemoryUserModelStore]:
    """The model that the worker would store, and where it and its events lie."""
    source = FakeEventSource(events)
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    await UserModelUpdater(source, models, STORE, basis).refresh("u1", now_ms=NOW_MS)
    return await models.get_signals("u1"), source, models


def basis_of(config: ModelConfig | None = None) -> ModelBasis:
    """The in-memorial plan with these settings."""
    return ModelBasis.of(PLAN, config or ModelConfig())
