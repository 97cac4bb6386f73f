"""Experiments: written, assigned, shown in every answer, and shadows that nobody sees."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from adapters.memory.user_models import InMemoryUserModelStore
from adapters.rankers.metrics import ShadowMetrics
from adapters.rankers.opening import read_policies
from adapters.settings import SharedSettings
from core.config import ExplorationConfig, RankingConfig, ScorerWeights
from core.errors import ConfigError, RetryableError
from core.learning.artifact import encode
from core.policies.experiment_file import read_experiments
from core.policies.policies import Policies
from core.policies.policy import Policy
from core.ranking.context import Exploration
from core.ranking.exploring import perturbed
from core.recommendation import ExperimentReport, Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from serve_api.metrics import ServeMetrics
from tests.build import NOW_MS, themed_catalogue
from tests.learned import linear_model

HALVES = """
[experiments.nearer]
salt = "1"
variants.as-is = { share = 0.5 }
variants.nearer = { share = 0.5, settings = { RANKING_WEIGHTS_GEO = 0.9, RANKING_MMR_POOL = 7 } }
"""
PEOPLE = [f"person-{number}" for number in range(4000)]
STATIC = Policy(config=RankingConfig(), config_version="c1")
STORE = themed_catalogue(per_theme=4)


def policies(text: str) -> Policies:
    return Policies(STATIC, read_experiments(text.encode()))


def recommender(by: Policies, **more: Any) -> Recommender:
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    return Recommender(models, STORE, STATIC.config, "c1", policies=by, **more)


async def answer(by: Recommender, user: str) -> Recommendation:
    return await by.recommend(RecommendRequest(user_id=user), now_ms=NOW_MS)


def test_everybody_keeps_their_variant_and_shares_are_kept() -> None:
    first, second = policies(HALVES), policies(HALVES)
    found = [first.choose(person).variant for person in PEOPLE]
    assert found == [second.choose(person).variant for person in PEOPLE]
    assert abs(Counter(found)["nearer"] - 2000) < 150  # five standard deviations
    salted = policies(HALVES.replace('salt = "1"', 'salt = "2"'))
    same = sum(
        salted.choose(person).variant == one for person, one in zip(PEOPLE, found, strict=True)
    )
    assert abs(same - 2000) < 150, "the groups of another salt have nothing to do with these"


def test_nobody_is_in_two_experiments_and_some_are_in_none() -> None:
    half = HALVES.replace('salt = "1"', 'salt = "1"\nshare = 0.25')
    found = policies(half + half.replace("experiments.nearer", "experiments.other"))
    counts = Counter(found.choose(person).experiment for person in PEOPLE)
    assert abs(counts["nearer"] - 1000) < 140
    assert abs(counts["other"] - 1000) < 140
    assert abs(counts[None] - 2000) < 160


def test_a_variant_is_the_settings_but_for_what_it_says_and_has_a_version() -> None:
    by = {one.variant: one.policy for one in map(policies(HALVES).choose, PEOPLE)}
    assert by["as-is"].config == STATIC.config
    assert by["as-is"].config_version == "c1"
    nearer = by["nearer"]
    assert nearer.config == RankingConfig(weights=ScorerWeights(geo=0.9), mmr_pool=7)
    assert nearer.config_version != "c1"


def test_a_learned_ranker_reaches_variants_that_name_none_and_leaves_what_they_say() -> None:
    found = policies(HALVES + 'variants.fixed = { share = 1.0, shadow = true, ranker = "static" }')
    found.use(linear_model(geo=0.1, tag=0.7))
    choices = [found.choose(person) for person in PEOPLE[:50]]
    by = {one.variant: one.policy.config.weights for one in choices}
    assert (by["as-is"].geo, by["as-is"].tag) == (0.1, 0.7)
    assert (by["nearer"].geo, by["nearer"].tag) == (0.9, 0.7)
    assert choices[0].shadows[0].policy.config.weights == ScorerWeights()


async def test_every_answer_says_which_variant_it_is_and_is_counted_by_it() -> None:
    by, registry = recommender(policies(HALVES)), CollectorRegistry()
    metrics, names = ServeMetrics(registry), set()
    for person in PEOPLE[:20]:
        made = await answer(by, person)
        metrics.recommended(made, now_ms=NOW_MS)
        told = made.diagnostics.experiment
        assert isinstance(told, ExperimentReport)
        assert told.variant == policies(HALVES).choose(person).variant
        names.add(made.diagnostics.config_version)
    labels = {"experiment": "nearer", "variant": "nearer"}
    assert 0 < (registry.get_sample_value("ai_engine_experiment_answers_total", labels) or 0) < 20
    assert len(names) == 2


async def test_who_is_nobody_in_particular_is_in_no_experiment() -> None:
    class Away(InMemoryUserModelStore):
        async def get_signals(self, user_id: str) -> UserSignals | None:
            raise RetryableError(user_id)

    by = recommender(policies(HALVES))
    anybody = RecommendRequest(user_id="", session="hiding-1")
    made_up = RecommendRequest(user_id="preview")
    assert "experiment" not in text_of(await by.rank(None, anybody, now_ms=NOW_MS))
    assert "experiment" not in text_of(await by.rank(None, made_up, now_ms=NOW_MS, is_person=False))
    away = Recommender(
        Away(ttl_s=60, clock_s=lambda: 0.0), STORE, STATIC.config, "c1", policies=policies(HALVES)
    )
    degraded = await answer(away, "person-1")
    assert degraded.degraded == ("models",)
    assert "experiment" not in text_of(degraded), "whose id leads to whom is not known"


async def test_links_lead_to_the_variant_of_the_person() -> None:
    by = recommender(policies(HALVES))
    model = UserSignals(user_id="person-0", revision=1)
    found = {
        str(
            (
                await by.rank(model, RecommendRequest(user_id=one), now_ms=NOW_MS)
            ).diagnostics.experiment
        )
        for one in PEOPLE[:20]
    }
    assert len(found) == 1


async def test_without_experiments_an_answer_says_nothing_of_any() -> None:
    made = text_of(await answer(recommender(Policies(STATIC)), "person-1"))
    for word in ("experiment", "variant", "exploration", "ranker"):
        assert f'"{word}"' not in made


SHADOW = """
[experiments.shy]
salt = "1"
variants.shown = { share = 1.0 }
variants.shadow = { share = 1.0, shadow = true, settings = { RANKING_RELEVANCE = 0.1 } }
"""


async def test_a_shadow_is_made_and_counted_and_not_shown() -> None:
    registry = CollectorRegistry()
    shadowed = recommender(policies(SHADOW), shadows=ShadowMetrics(registry))
    alone = recommender(policies(SHADOW))
    assert await answer(shadowed, "person-1") == await answer(alone, "person-1")
    labels = {"experiment": "shy", "variant": "shadow"}
    count = registry.get_sample_value("ai_engine_shadow_overlap_count", labels)
    assert count == 1


async def test_a_shadow_that_fails_costs_nobody_their_answer() -> None:
    class Broken:
        def fuse(self, _: object, __: int) -> Any:
            raise ZeroDivisionError

    registry = CollectorRegistry()
    found = policies(SHADOW)
    [experiment] = found._experiments
    shown, shadow = experiment.variants
    broken = msgspec.structs.replace(
        shadow, policy=msgspec.structs.replace(shadow.policy, ranker=Broken())
    )
    found._experiments = [msgspec.structs.replace(experiment, variants=(shown, broken))]
    by = recommender(found, shadows=ShadowMetrics(registry))
    assert (await answer(by, "person-1")).items
    labels = {"experiment": "shy", "variant": "shadow", "outcome": "failed"}
    assert registry.get_sample_value("ai_engine_shadow_answers_total", labels) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[experiments", "Expected"),
        ('[experiments.a]\nsalt = "1"', "variants"),
        ('[experiments.a]\nsalt = "1"\nvariants.b = { share = 0.4 }', "add up to 1"),
        (HALVES.replace("GEO", "GOE"), "RANKING_WEIGHTS_GOE: no such setting"),
        (HALVES.replace("0.9", "9.0"), "(?s)variants.nearer.*RANKING_WEIGHTS_GEO"),
        (HALVES.replace("variants.as-is", 'variants."a b"'), "regex"),
        (HALVES.replace("nearer]", 'nearer]\nends = "soon"'), "ends"),
        (HALVES + HALVES.replace("experiments.nearer", "experiments.b"), "more than everybody"),
        (HALVES.replace("settings", 'ranker = "/no/such.json", settings'), "No such file"),
        (HALVES.replace("settings", "shadow = true, settings"), "add up to 1"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_at_the_start(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "experiments.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason) as caught:
        read_policies(SharedSettings(experiments_file=str(path)), "c1")
    assert str(caught.value).startswith("EXPERIMENTS_FILE=")


def test_a_variant_may_be_ranked_by_an_artifact_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ranker.json").write_bytes(encode(linear_model(geo=0.33)))
    own = f'ranker = "{tmp_path / "ranker.json"}", settings'
    path = tmp_path / "experiments.toml"
    path.write_text(HALVES.replace("settings", own).replace("WEIGHTS_GEO", "WEIGHTS_TAG"))
    found = read_policies(SharedSettings(experiments_file=str(path)), "c1")
    found.use(linear_model(geo=0.77))
    by = {one.variant: one.policy.config.weights.geo for one in map(found.choose, PEOPLE)}
    assert by == {"as-is": 0.77, "nearer": 0.33}


def test_weights_are_drawn_of_a_training_and_of_nothing_else(tmp_path: Path) -> None:
    thompson = ExplorationConfig(share=1.0, kind="thompson")
    with pytest.raises(ConfigError, match="set RANKER_FILE, too"):
        read_policies(SharedSettings(exploration=thompson), "c1")
    settings = SharedSettings(exploration=thompson, ranker_file=str(tmp_path / "ranker.json"))
    found = read_policies(settings, "c1")
    assert found.base.explored(1) is None, "there is no such file yet"
    found.use(linear_model(sd=0.2))
    drawn = [found.base.drawn(found.base.explored(seed)).weights for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]
    assert drawn[0].geo != ScorerWeights().geo


@pytest.mark.parametrize("kind", ["gumbel", "thompson"])
async def test_a_share_of_the_answers_is_drawn_and_says_so(kind: str) -> None:
    exploring = ExplorationConfig(share=0.3, kind=kind, temperature=0.2)  # type: ignore[arg-type]
    found = Policies(msgspec.structs.replace(STATIC, exploration=exploring))
    found.use(linear_model())
    by, quiet = recommender(found), Policies(STATIC)
    quiet.use(linear_model())
    others = recommender(quiet)
    told = 0
    for person in PEOPLE[:200]:
        made, plain = await answer(by, person), await answer(others, person)
        if made.diagnostics.exploration is msgspec.UNSET:
            assert made == plain, "an answer that is not drawn is as it always is"
            continue
        told += 1
        assert made.diagnostics.exploration.kind == kind
        assert made.request_id != plain.request_id
    assert 35 < told < 85


def test_without_noise_in_it_no_order_changes_and_with_it_the_best_come_first_oftenest() -> None:
    total = np.array([0, 300_000, 100_000], dtype=np.int64)
    first: Counter[int] = Counter()
    for seed in range(2000):
        drawn = Exploration(kind="gumbel", seed=seed, temperature=0.2)
        first[int(perturbed(total, drawn).argmax())] += 1
    assert perturbed(total, None) is total
    # A softmax of the scores over the temperature.
    odds = np.exp(np.array([0.0, 1.5, 0.5]))
    for place, share in enumerate(odds / odds.sum()):
        assert abs(first[place] / 2000 - share) < 0.05


def text_of(made: Recommendation) -> str:
    return msgspec.json.encode(made).decode()
