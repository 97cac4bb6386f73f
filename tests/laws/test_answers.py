"""What every answer obeys, whatever the model and the request, by Hypothesis."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import DistractorConfig, RankingConfig
from core.content import Content
from core.geo import GeoPoint
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import pack
from tests.build import NOW_MS, themed_catalogue

LANGUAGES = ("de", "de-AT", "en", None)


def spoken(contents: Sequence[Content]) -> InMemoryContentStore:
    """The same items in several languages, the last of a few in none."""
    return InMemoryContentStore(
        msgspec.structs.replace(one, language=LANGUAGES[number % len(LANGUAGES)])
        for number, one in enumerate(contents)
    )


STORE = spoken(themed_catalogue(per_theme=4).contents)
LARGE = spoken(themed_catalogue(per_theme=60).contents)
STRATEGIES = ("max_dissimilar", "unexplored_theme", "random")
IDS = [content.id for content in STORE.contents]
TAGS = sorted({tag for content in STORE.contents for tag in content.tags})
STRENGTHS = st.floats(0.01, 1.0)


@st.composite
def models(draw: st.DrawFn) -> UserSignals:
    """Any model that a refresh could have stored, and some it could not."""
    liked = draw(st.dictionaries(st.sampled_from(IDS), STRENGTHS, max_size=5))
    viewed = draw(st.dictionaries(st.sampled_from(IDS), st.integers(0, NOW_MS), max_size=20))
    vector = STORE.contents[draw(st.integers(0, len(IDS) - 1))].vector
    return UserSignals(
        user_id="u1",
        revision=draw(st.integers(1, 99)),
        positives=liked,
        viewed=viewed | dict.fromkeys(liked, 5),
        unopened=draw(
            st.dictionaries(st.sampled_from(IDS), st.tuples(STRENGTHS, st.just(-0.3)), max_size=5)
        ),
        tag_affinity=draw(st.dictionaries(st.sampled_from(TAGS), STRENGTHS, max_size=5)),
        tag_aversion=draw(st.dictionaries(st.sampled_from(TAGS), STRENGTHS, max_size=3)),
        taste_vector=pack(vector / 4000) if liked else "",
        recency_vector=pack(vector / 4000) if draw(st.booleans()) else "",
    )


REQUESTS = st.builds(
    RecommendRequest,
    user_id=st.just("u1"),
    limit=st.integers(1, 25),
    tags=st.lists(st.sampled_from(TAGS), max_size=2).map(tuple),
    without=st.just(()) | st.lists(st.sampled_from(TAGS), max_size=2).map(tuple),
    language=st.none() | st.sampled_from(("de", "DE-at", "en", "it")),
    near=st.none() | st.builds(GeoPoint, st.floats(51.9, 56.1), st.floats(12.9, 13.1)),
    radius_m=st.none() | st.floats(1, 500_000),
    exclude=st.lists(st.sampled_from(IDS), max_size=3).map(tuple),
    session=st.none() | st.sampled_from([*IDS, "no-such-item"]),
    distractor=st.none() | st.booleans(),
)


async def answer(
    model: UserSignals,
    request: RecommendRequest,
    contents: InMemoryContentStore = STORE,
    config: RankingConfig = RankingConfig(),  # noqa: B008 - it is frozen
) -> Recommendation:
    store = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    await store.save_signals([model])
    recommender = Recommender(store, contents, config, "c1")
    return await recommender.recommend(request, now_ms=NOW_MS)


@given(model=models(), request=REQUESTS)
@settings(deadline=None, max_examples=200)
async def test_every_answer_keeps_its_promises(
    model: UserSignals, request: RecommendRequest
) -> None:
    found = await answer(model, request)
    contents = await STORE.get([item.content_id for item in found.items])
    listed = [item.content_id for item in found.items]
    assert len(set(listed)) == len(listed) <= request.limit
    in_scope = [one for one in STORE.contents if request.scope().allows(one)]
    assert len(listed) == min(request.limit, len(in_scope)), "filled up as far as the scope goes"
    for item in found.items:
        assert request.scope().allows(contents[item.content_id])
        micros = sum(round(part * 1e6) for part in item.contributions.values())
        assert micros == round(item.score * 1e6)
        assert (item.content_id in model.viewed) == (item.generated_by == ("revisit",))
    marked = [item.rank for item in found.items if item.kind == "distractor"]
    report = found.diagnostics.distractor
    assert marked == ([report.rank] if report.placed else [])
    assert ("cold" in found.strategy) == (not model.positives)


@given(model=models(), request=REQUESTS)
@settings(deadline=None, max_examples=60)
async def test_what_was_seen_comes_again_only_where_it_is_inside(
    model: UserSignals, request: RecommendRequest
) -> None:
    seen_all = msgspec.structs.replace(model, viewed=dict.fromkeys(IDS, 1))
    longest = msgspec.structs.replace(request, limit=len(IDS))
    found = await answer(seen_all, longest)
    outside = {*request.exclude, request.session}
    inside = {one.id for one in STORE.contents if request.scope().allows(one)}
    assert {item.content_id for item in found.items} == inside
    assert outside.isdisjoint(inside)
    assert {item.generated_by for item in found.items} <= {("revisit",)}


@given(model=models(), request=REQUESTS, strategy=st.sampled_from(STRATEGIES))
@settings(deadline=None, max_examples=60)
async def test_a_distractor_is_inside_too(
    model: UserSignals, request: RecommendRequest, strategy: Any
) -> None:
    asked = msgspec.structs.replace(request, distractor=True, limit=5)
    config = RankingConfig(distractor=DistractorConfig(strategy=strategy))
    found = await answer(model, asked, config=config)
    placed = [item.content_id for item in found.items if item.kind == "distractor"]
    for content in (await STORE.get(placed)).values():
        assert request.scope().allows(content)


@given(model=models(), request=REQUESTS)
@settings(deadline=None, max_examples=60)
async def test_the_same_inputs_give_the_same_answer(
    model: UserSignals, request: RecommendRequest
) -> None:
    assert await answer(model, request) == await answer(model, request)


@example(  # what the whole draw is ranked by, and nothing but the draw brings candidates
    model=UserSignals(user_id="u1", recency_vector=pack(LARGE.contents[7].vector / 4000)),
    request=RecommendRequest(user_id="u1"),
    limits=(5, 80),
)
@given(model=models(), request=REQUESTS, limits=st.tuples(st.integers(1, 100), st.integers(1, 100)))
@settings(deadline=None, max_examples=60)
async def test_a_longer_list_starts_with_the_shorter(
    model: UserSignals, request: RecommendRequest, limits: Any
) -> None:
    # A distractor is placed at the end of a list that is too short for its rank.
    plain = msgspec.structs.replace(request, distractor=False)
    short, long = [
        [
            item.content_id
            for item in (await answer(model, msgspec.structs.replace(plain, limit=n), LARGE)).items
        ]
        for n in sorted(limits)
    ]
    assert long[: len(short)] == short
