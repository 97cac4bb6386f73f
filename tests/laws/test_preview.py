"""A written model that says what was learnt of a visitor gets that visitor's list."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.config import RankingConfig
from core.events import InteractionEvent
from core.modelling.observations import distinct
from core.modelling.preview import WrittenModel, preview_signals
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from tests.build import NOW_MS
from tests.laws.happenings import CONTENTS, KNOWN, STORE, basis_of, happenings, stored


@given(
    events=happenings(KNOWN, most_shown=0, apart=True),
    seed=st.integers(0, 99),
    distractor=st.booleans(),
    limit=st.integers(1, 12),
)
@settings(deadline=None, max_examples=100)
async def test_the_likes_of_a_visitor_are_ranked_as_the_visitor_is(
    events: list[InteractionEvent], seed: int, limit: int, *, distractor: bool
) -> None:
    basis = basis_of()
    model, _, models = await stored(events, basis)
    assert model is not None
    seen = basis.observe(distinct(events, since_ms=0), CONTENTS, now_ms=NOW_MS)
    assume(not model.unopened)
    written = WrittenModel(
        tags=seen.persona.seeds,
        liked=seen.likes,
        disliked={item: -strength for item, strength in seen.dislikes.items()},
        seen=seen.recent,
    )
    # In the space of the learnt model, which names none here.
    made = preview_signals(
        written, CONTENTS, basis.config.signals, vector_space=model.vector_space, now_ms=NOW_MS
    )
    for part in ("positives", "negatives", "tag_affinity", "tag_aversion", "taste_vector"):
        assert getattr(made, part) == getattr(model, part)
    assert list(made.viewed) == list(model.viewed)
    recommender = Recommender(models, STORE, RankingConfig(), basis.config_version)
    request = RecommendRequest(user_id="u1", limit=limit, seed=seed, distractor=distractor)
    real = await recommender.recommend(request, now_ms=NOW_MS)
    shown = await recommender.rank(made, request, now_ms=NOW_MS)
    assert shown.items == real.items
    assert shown.strategy == real.strategy
