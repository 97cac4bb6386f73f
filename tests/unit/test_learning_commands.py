"""`ai-engine train` and `evaluate`, over a log that answers and events were written to."""

import asyncio
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from adapters.memory.user_models import InMemoryUserModelStore
from adapters.open_log import answer_log, event_log
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.config import ExplorationConfig, RankingConfig
from core.events import InteractionEvent
from core.learning.artifact import decode
from core.learning.model import LinearModel, TreesModel
from core.policies.experiment_file import read_experiments
from core.policies.policies import Policies
from core.policies.policy import SCORERS, Policy
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import pack
from deploy.cli import main
from tests.build import read, themed_catalogue
from tests.learned import STATIC

STORE = themed_catalogue(per_theme=12)
TAGS = sorted({tag for content in STORE.contents for tag in content.tags})
HALVES = b"""
[experiments.nearer]
salt = "1"
variants.as-is = { share = 0.5 }
variants.other = { share = 0.5, settings = { RANKING_WEIGHTS_TAG = 0.3 } }
"""
PEOPLE, LISTS = 40, 10


async def write_log(url: str, *, share: float) -> None:
    """Answers to people, who open what is about their tags and hardly care for anything else."""
    settings = SharedSettings(log_url=url)
    static = Policy(
        config=RankingConfig(),
        config_version="c1",
        exploration=ExplorationConfig(share=share, temperature=0.2),
    )
    models = InMemoryUserModelStore(ttl_s=600, clock_s=lambda: 0.0)
    policies = Policies(static, read_experiments(HALVES))
    by = Recommender(models, STORE, static.config, "c1", policies=policies)
    registry, chance = CollectorRegistry(), random.Random(1)  # noqa: S311
    async with (
        answer_log(settings, registry) as answers,
        event_log(settings, CollectorRegistry()) as events,
    ):
        assert answers is not None
        assert events is not None
        for number in range(PEOPLE * LISTS):
            user = f"user-{number % PEOPLE}"
            await models.save_signals([visitor(user, revision=number + 1)])
            answer = await by.recommend(
                RecommendRequest(user_id=user, limit=6),
                now_ms=clock_ms(),
                record=answers("recommend"),
            )
            events(openings(answer, chance))


def visitor(user: str, revision: int) -> UserSignals:
    number = int(user.removeprefix("user-"))
    liked = STORE.contents[number % len(STORE.contents)]
    return UserSignals(
        user_id=user,
        revision=revision,
        positives={liked.id: 0.8},
        tag_affinity={TAGS[(number + revision) % len(TAGS)]: 0.9},
        taste_vector=pack(liked.vector / 4000),
    )


def openings(answer: Recommendation, chance: random.Random) -> Sequence[InteractionEvent]:
    return [
        msgspec.structs.replace(
            read(
                item.content_id,
                20,
                user_id=answer.user_id,
                message_id=f"{answer.request_id}-{item.rank}",
            ),
            request_id=answer.request_id,
            ts_ms=clock_ms(),
        )
        for item in answer.items
        if chance.random() < (0.8 if item.contributions.get("tag", 0.0) > 0.1 else 0.15)
    ]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = str(tmp_path_factory.mktemp("log"))
    asyncio.run(write_log(url, share=0.5))
    return url


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], env={"LOG_URL": "", "RANKER_FILE": ""})


def test_weights_are_learned_of_the_log(log: str, tmp_path: Path) -> None:
    out = tmp_path / "ranker.json"
    done = call("train", "--log", log, "--out", out)
    assert done.exit_code == 0, done.output
    model = decode(out.read_bytes(), SCORERS)
    assert isinstance(model, LinearModel)
    assert model.named()["tag"] > STATIC["tag"]
    assert abs(model.named()["semantic"]) < 0.1 < STATIC["semantic"]
    assert abs(model.named()["affinity"]) < 0.1 < STATIC["affinity"]
    assert model.named()["geo"] == STATIC["geo"], "nobody said where they are"
    assert model.training.answers == PEOPLE * LISTS
    assert model.training.rows == PEOPLE * LISTS * 6
    assert "c1" in model.training.config_versions
    assert re.search(r"tag +\+0\.250 -> \+0\.", done.output)


def test_trees_are_learned_of_the_log(log: str, tmp_path: Path) -> None:
    out = tmp_path / "ranker.json"
    done = call("train", "--log", log, "--kind", "trees", "--out", out)
    assert done.exit_code == 0, done.output
    assert isinstance(decode(out.read_bytes(), SCORERS), TreesModel)


def test_an_evaluation_says_what_there_is_and_that_it_is_too_little(
    log: str, tmp_path: Path
) -> None:
    out, page = tmp_path / "ranker.json", tmp_path / "report.html"
    call("train", "--log", log, "--out", out)
    done = call("evaluate", "--log", log, "--policy", f"learned={out}", "--html", page)
    assert done.exit_code == 0, done.output
    assert f"{PEOPLE * LISTS} lists" in done.output
    assert re.search(
        r"No verdict on learned: \d+ answers were explored, and it takes 10000", done.output
    )
    assert "Experiment nearer" in done.output
    report = json.loads(
        call("evaluate", "--log", log, "--policy", f"learned={out}", "--json").output
    )
    assert report["weighed"] == report["explored"] > PEOPLE * LISTS / 4
    assert report["left_out"] == {}
    [static, learned] = (one["estimates"][0]["earns"]["value"] for one in report["policies"])
    assert learned > static, "who cares for tags gets more of them"
    html = page.read_text()
    assert "<svg" in html
    asked = re.findall(r'(?:src|href)="?(?!#)[^" >]+|url\((?!#)|@import', html)
    assert asked == [], "a page that asks nobody for anything"


def test_of_a_log_without_exploration_there_is_no_verdict_and_it_says_so(tmp_path: Path) -> None:
    asyncio.run(write_log(str(tmp_path / "log"), share=0.0))
    out = tmp_path / "ranker.json"
    assert call("train", "--log", tmp_path / "log", "--out", out).exit_code == 0
    done = call("evaluate", "--log", tmp_path / "log", "--policy", f"learned={out}")
    assert done.exit_code == 0, done.output
    assert "none was explored that could be weighed" in done.output
    assert "set EXPLORATION_SHARE" in done.output


def test_a_log_with_nothing_in_it_leaves_the_artifact_that_there_is(tmp_path: Path) -> None:
    out = tmp_path / "ranker.json"
    out.write_bytes(b"the former one")
    done = call("train", "--log", tmp_path / "log", "--out", out)
    assert done.exit_code == 1
    assert "there must be 100 of each" in done.output
    assert out.read_bytes() == b"the former one"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--out", "x.json"], "say which log"),
        (["evaluate"], "say which log"),
        (["evaluate", "--log", "LOG", "--policy", "nonsense"], "write NAME=FILE"),
        (["evaluate", "--log", "LOG", "--policy", "a=/no/such"], "No such file"),
        (["evaluate", "--log", "gopher://x"], "LOG_URL="),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = call(*(one.replace("LOG", str(tmp_path)) for one in arguments))
    assert done.exit_code == 1
    assert said in done.output
