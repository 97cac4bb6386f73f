"""The item just viewed: more like it, with a visitor's model or without any."""

import msgspec

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import RankingConfig
from core.content import ContentRules
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from tests.build import NOW_MS, content, read, signals_of, themed_catalogue

STORE = themed_catalogue()
CONTENTS = {one.id: one for one in STORE.contents}


async def rank(
    signals: UserSignals | None = None, *, store: InMemoryContentStore = STORE, **request: object
) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    recommender = Recommender(models, store, RankingConfig(), "c1")
    wanted = msgspec.convert({"user_id": "u1", "limit": 5, **request}, RecommendRequest)
    return await recommender.rank(signals, wanted, now_ms=NOW_MS)


def ids(answer: Recommendation) -> list[str]:
    return [item.content_id for item in answer.items]


async def test_a_stranger_gets_more_like_what_they_have_just_viewed() -> None:
    answer = await rank(session="music-0")
    assert {one.partition("-")[0] for one in ids(answer)} == {"music"}
    assert "music-0" not in ids(answer)
    assert answer.strategy == "cold_session"
    assert set(answer.items[0].contributions) == {"session", "session_tag"}


async def test_what_was_just_viewed_counts_beside_the_visitors_liking() -> None:
    model = signals_of(read("hiding-0", 40), contents=tuple(CONTENTS.values()))
    without, within = await rank(model), await rank(model, session="music-0")
    assert ids(without)[0].startswith("hiding")
    assert ids(within)[0].startswith("music")
    first = within.items[0].contributions
    assert "recency" in without.items[0].contributions
    assert "recency" not in first, "the request knows better what was viewed last"
    assert {"semantic", "session"} <= set(first)
    assert within.strategy == "warm"


async def test_an_unknown_item_has_no_part_and_is_reported() -> None:
    found = await rank(session="no-such-item")
    assert found.diagnostics.session is not None
    assert not found.diagnostics.session.known
    assert ids(found) == ids(await rank(seed=found.diagnostics.ranking["seed"]))


async def test_related_items_come_before_those_that_are_only_close() -> None:
    store = InMemoryContentStore(
        [
            content("now", tags=("a:1",), related={"far": 1.0, "not-there": 1.0}),
            content("far", tags=("b:2",), embed="quite another thing"),
            *(content(f"near-{n}", tags=("c:3",), embed=f"now and then {n}") for n in range(3)),
        ]
    )
    answer = await rank(store=store, session="now")
    assert ids(answer)[0] == "far"
    assert answer.items[0].contributions["session_related"] == 0.3
    assert "session_related" in answer.items[0].generated_by


async def test_of_a_hidden_item_an_answer_tells_nothing() -> None:
    hidden = msgspec.structs.replace(
        CONTENTS["music-0"],
        title="Not to be told",
        related={"rescue-0": 1.0},
        rules=ContentRules(hidden=True),
    )
    store = InMemoryContentStore(
        [hidden, *(one for key, one in CONTENTS.items() if key != hidden.id)]
    )
    liked = signals_of(read("music-0", 40), contents=(hidden,))
    for model in (None, liked):
        answer = await rank(model, store=store, session="music-0", explain=True, limit=29)
        assert answer.diagnostics.session is not None
        assert not answer.diagnostics.session.known
        assert "music-0" not in ids(answer)
        assert b"Not to be told" not in msgspec.json.encode(answer)
    without = await rank(liked, store=store, explain=True, limit=29)
    assert b"Not to be told" not in msgspec.json.encode(without)
    assert without.strategy == "warm", "what was read of it still counts"
