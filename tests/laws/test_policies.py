"""Learned rankers and drawn orders obey what every answer obeys, by Hypothesis."""

from collections.abc import Sequence

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import ExplorationConfig, RankingConfig
from core.content import Content
from core.explanation import Explored, Pinned
from core.learning.artifact import version_of
from core.learning.forest import Forest
from core.learning.model import Model
from core.policies.policies import Policies
from core.policies.policy import Policy
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from tests.build import NOW_MS
from tests.laws.test_answers import REQUESTS, models
from tests.laws.test_explanations import CANDIDATES
from tests.laws.test_rules import CAPS, catalogues
from tests.learned import linear_model, trees_model

LEARNED: dict[str, Model | None] = {
    "none": None,
    "linear": linear_model(geo=0.7, tag=-0.2),
    "trees": trees_model(),
}
EXPLORED = st.sampled_from(
    [
        ExplorationConfig(),
        ExplorationConfig(share=1.0, temperature=0.2),
        ExplorationConfig(share=1.0, kind="thompson"),
    ]
)


async def recommender_by(
    policies: Policies, catalogue: Sequence[Content], model: UserSignals
) -> Recommender:
    store = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    await store.save_signals([model])
    base = policies.base
    contents = InMemoryContentStore(catalogue)
    return Recommender(store, contents, base.config, base.config_version, policies=policies)


def policies_of(
    config: RankingConfig, model: Model | None, exploration: ExplorationConfig | None = None
) -> Policies:
    static = Policy(
        config=config, config_version="c1", exploration=exploration or ExplorationConfig()
    )
    policies = Policies(static)
    policies.use(model)
    return policies


def without_version(answer: Recommendation) -> Recommendation:
    """The answer but for what names the ranker."""
    told = msgspec.structs.replace(answer.diagnostics, ranker=msgspec.UNSET)
    return msgspec.structs.replace(answer, request_id="", diagnostics=told)


@given(catalogue=catalogues(), model=models(), request=REQUESTS, caps=CAPS, candidates=CANDIDATES)
@settings(deadline=None, max_examples=100)
async def test_at_the_prior_a_learned_ranking_is_the_static_one_byte_for_byte(
    catalogue: list[Content],
    model: UserSignals,
    request: RecommendRequest,
    caps: tuple[str, ...],
    candidates: object,
) -> None:
    config = msgspec.convert(
        {"facet_caps": caps, "candidates": msgspec.to_builtins(candidates)}, RankingConfig
    )
    prior = linear_model()
    wanted = msgspec.structs.replace(request, explain=True)
    answers = [
        await (await recommender_by(policies_of(config, learned), catalogue, model)).recommend(
            wanted, now_ms=NOW_MS
        )
        for learned in (None, prior)
    ]
    static, learned = (msgspec.json.encode(without_version(one)) for one in answers)
    assert static == learned
    assert answers[1].diagnostics.ranker == version_of(prior)
    assert answers[0].request_id != answers[1].request_id, "the ids tell them apart"


@given(
    catalogue=catalogues(),
    model=models(),
    request=REQUESTS,
    caps=CAPS,
    learned=st.sampled_from(sorted(LEARNED)),
    exploration=EXPLORED,
)
@settings(deadline=None, max_examples=100)
async def test_learned_and_drawn_answers_add_up_and_come_again(
    catalogue: list[Content],
    model: UserSignals,
    request: RecommendRequest,
    caps: tuple[str, ...],
    learned: str,
    exploration: ExplorationConfig,
) -> None:
    policies = policies_of(RankingConfig(facet_caps=caps), LEARNED[learned], exploration)
    recommender = await recommender_by(policies, catalogue, model)
    wanted = msgspec.structs.replace(request, explain=True)
    answer = await recommender.recommend(wanted, now_ms=NOW_MS)
    assert answer == await recommender.recommend(wanted, now_ms=NOW_MS)
    drawn = answer.diagnostics.exploration is not msgspec.UNSET
    assert drawn == (exploration.kind == "gumbel" or policies.base.posterior is not None) * (
        exploration.share > 0
    )
    for item in answer.items:
        found = item.explanation
        assert found is not None
        assert {one.name: one.contribution for one in found.scorers} == item.contributions
        assert sum(round(one * 1e6) for one in item.contributions.values()) == round(
            item.score * 1e6
        )
        if any(isinstance(rule, Explored) for rule in found.rules):
            assert drawn
            assert not any(isinstance(rule, Pinned) for rule in found.rules)
    for one in catalogue[:3]:
        why = await recommender.why(one.id, wanted, now_ms=NOW_MS)
        assert why is None or why.sentence


@given(values=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_trees_say_of_every_row_what_a_walk_by_hand_says(values: list[tuple[float, float]]) -> None:
    rows = np.array(values)
    found = Forest(trees_model()).fuse({"semantic": rows[:, 0], "tag": rows[:, 1]}, len(rows))
    for at, (semantic, tag) in enumerate(values):
        said = 0.1 if tag <= 0.3 else 0.35 if semantic <= 0.7 else 0.6
        assert found.score(at) == round(said + 0.05, 6)
        assert round(sum(found.contributions(at).values()), 6) == found.score(at)
