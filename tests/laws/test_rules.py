"""Curators' rules hold in every answer, whatever the catalogue, the model and the request."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import RankingConfig
from core.content import Content, ContentRules
from core.geo import GeoPoint
from core.recommendation import Recommendation, RecommendedItem, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.tags import tag_key
from core.vectors import pack
from tests.build import NOW_MS, themed_catalogue

ITEMS = [
    msgspec.structs.replace(one, language=("de", "en", None)[number % 3])
    for number, one in enumerate(themed_catalogue(per_theme=3).contents)
]
IDS = [item.id for item in ITEMS]
TAGS = sorted({tag for item in ITEMS for tag in item.tags})
SOON = st.sampled_from([None, NOW_MS - 1, NOW_MS, NOW_MS + 1])
RULES = st.builds(
    ContentRules,
    hidden=st.integers(0, 9).map(lambda drawn: drawn == 0),
    valid_from_ms=SOON,
    valid_until_ms=st.none() | SOON,
    pinned=st.none() | st.integers(1, 6),
    apart=st.lists(st.sampled_from("xy"), max_size=2, unique=True).map(tuple),
    together=st.none() | st.sampled_from(["tour", "pair"]),
)
CAPS = st.sampled_from([(), ("theme_what=1",), ("theme_what=2", "person_who.group=3")])


@st.composite
def catalogues(draw: st.DrawFn) -> list[Content]:
    rules = draw(st.lists(st.none() | RULES, min_size=len(ITEMS), max_size=len(ITEMS)))
    return [
        msgspec.structs.replace(item, rules=rule or ContentRules())
        for item, rule in zip(ITEMS, rules, strict=True)
    ]


@st.composite
def models(draw: st.DrawFn) -> UserSignals:
    viewed = draw(st.lists(st.sampled_from(IDS), max_size=10, unique=True))
    liked = draw(st.sampled_from(ITEMS))
    known = draw(st.booleans())
    return UserSignals(
        user_id="u1",
        revision=1,
        viewed={item: number for number, item in enumerate(viewed)},
        positives={liked.id: 0.5} if known else {},
        taste_vector=pack(liked.vector / 4000) if known else "",
    )


REQUESTS = st.builds(
    RecommendRequest,
    user_id=st.just("u1"),
    limit=st.integers(1, 20),
    tags=st.lists(st.sampled_from(TAGS), max_size=1).map(tuple),
    without=st.lists(st.sampled_from(TAGS), max_size=1).map(tuple),
    language=st.none() | st.sampled_from(("de", "en")),
    near=st.none() | st.just(GeoPoint(53.0, 13.0)),
    radius_m=st.none() | st.just(120_000.0),
    exclude=st.lists(st.sampled_from(IDS), max_size=2).map(tuple),
    distractor=st.booleans(),
)


async def answer(
    catalogue: Sequence[Content],
    model: UserSignals,
    request: RecommendRequest,
    caps: tuple[str, ...],
) -> Recommendation:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    await models.save_signals([model])
    config = RankingConfig(facet_caps=caps)
    recommender = Recommender(models, InMemoryContentStore(catalogue), config, "c1")
    return await recommender.recommend(request, now_ms=NOW_MS)


@given(catalogue=catalogues(), model=models(), request=REQUESTS, caps=CAPS)
@settings(deadline=None, max_examples=300)
async def test_every_list_keeps_the_rules(
    catalogue: list[Content], model: UserSignals, request: RecommendRequest, caps: tuple[str, ...]
) -> None:
    found = (await answer(catalogue, model, request, caps)).items
    by_id = {item.id: item for item in catalogue}
    listed = [by_id[item.content_id] for item in found]
    assert len({item.id for item in listed}) == len(listed) <= request.limit
    assert all(item.rules.shows_at(NOW_MS) and request.scope().allows(item) for item in listed)
    shared = Counter(name for item in listed for name in item.rules.apart)
    assert set(shared.values()) <= {1}
    labels = Counter(tag_key(tag) for item in listed for tag in item.tags)
    for cap in caps:
        facet, _, most = cap.partition("=")
        of_facet = [labels[tag] for tag in labels if tag.startswith(tag_key(f"{facet}:"))]
        assert max(of_facet, default=0) <= int(most)
    for name in ("tour", "pair"):
        _require_whole(name, catalogue, listed, found, model)


def _require_whole(
    name: str,
    catalogue: Sequence[Content],
    listed: Sequence[Content],
    found: Sequence[RecommendedItem],
    model: UserSignals,
) -> None:
    """All members side by side; those that were seen may be missing, unless it is a revisit."""
    ranks = [rank for rank, item in enumerate(listed) if item.rules.together == name]
    if not ranks:
        return
    assert ranks == list(range(ranks[0], ranks[-1] + 1))
    members = {item.id for item in catalogue if item.rules.together == name}
    missing = members - {item.id for item in listed}
    again = any(found[rank].generated_by == ("revisit",) for rank in ranks)
    assert missing <= (set() if again else set(model.viewed))


@given(catalogue=catalogues(), model=models(), limit=st.integers(1, 12), rank=st.integers(1, 6))
@settings(deadline=None, max_examples=100)
async def test_a_pinned_item_is_at_its_rank_whenever_it_may_be_shown(
    catalogue: list[Content], model: UserSignals, limit: int, rank: int
) -> None:
    unpinned = [
        msgspec.structs.replace(item, rules=msgspec.structs.replace(item.rules, pinned=None))
        for item in catalogue[1:]
    ]
    pin = msgspec.structs.replace(catalogue[0], rules=ContentRules(pinned=rank))
    request = RecommendRequest(user_id="u1", limit=limit, distractor=False)
    found = [item.content_id for item in (await answer([pin, *unpinned], model, request, ())).items]
    if pin.id in model.viewed or rank > limit:
        return
    assert pin.id in found[:rank]
    assert found.index(pin.id) == min(rank, len(found)) - 1
