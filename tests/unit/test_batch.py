"""`POST /api/recommend/batch`: the lists of many visitors at once."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from core.config import RankingConfig
from core.errors import RetryableError
from core.http.operation import Operation
from core.recommender import Recommender
from core.signals import UserSignals
from serve_api.doors import Doors
from serve_api.endpoint import Answer, Call
from serve_api.endpoints.batch import BatchEndpoint
from serve_api.metrics import ServeMetrics
from serve_api.routing import Router
from serve_api.settings import ServeSettings
from tests.build import NOW_MS, read, themed_catalogue
from tests.gates import serve_gate_of
from tests.serving import served

PATH = "/api/recommend/batch"
MANY = [f"v{number}" for number in range(100)]


class WatchedModels:
    """Knows nobody, slowly, and counts who asks at the same time; it fails if told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self._asking = 0
        self.most_asking = 0
        self.asked: list[str] = []

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        return [False for _ in models]

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        return len(revisions) * 0

    async def get_signals(self, user_id: str) -> UserSignals | None:
        self.asked.append(user_id)
        self._asking += 1
        self.most_asking = max(self.most_asking, self._asking)
        await asyncio.sleep(0.001)
        self._asking -= 1
        if self._error is not None:
            raise self._error
        return None


@pytest.mark.parametrize(
    "shared",
    [
        {"at": NOW_MS - 5, "seed": 3},
        {"limit": 4, "distractor": True, "seed": 1, "at": NOW_MS, "explain": True},
        {"near": "54.0,13.0", "radius_m": 90_000},
        {
            "filter": ["!theme_what:Hiding"],
            "language": "de",
            "exclude": ["hiding-3"],
            "include_content": True,
        },
        {},
    ],
)
async def test_each_answer_is_byte_for_byte_that_of_the_visitor_alone(shared: Any) -> None:
    users = ["u1", "stranger", "u2"]
    events = (read("hiding-0", 40), read("music-1", 40, user_id="u2"))
    query = {name: int(one) if isinstance(one, bool) else one for name, one in shared.items()}
    async with served(*events, users=("u1", "u2")) as api:
        alone = [
            (await api.http.get("/api/recommend", params={"user_id": user} | query)).content
            for user in users
        ]
        batch = await api.http.post(PATH, json={"user_ids": users} | shared)
    assert batch.content == b'{"answers":[' + b",".join(alone) + b"]}"
    strategies = [one["strategy"] for one in batch.json()["answers"]]
    assert strategies == ["warm", "cold_diverse", "warm"]


@pytest.mark.parametrize(
    ("body", "parameter", "value"),
    [
        ({"user_ids": ["a", "b", " a"]}, "user_ids", ["a"]),
        ({"user_ids": []}, "user_ids", None),
        ({"user_ids": ["a", "b", "c", "d"]}, "user_ids", None),
        ({"user_ids": ["a", " "]}, "user_ids[1]", " "),
        ({"user_ids": "ab"}, "user_ids", "ab"),
        ({}, "user_ids", None),
        ({"user_ids": ["a"], "limit": 101}, "limit", 101),
        ({"user_ids": ["a"], "session": "hiding-0"}, "session", None),
    ],
)
async def test_what_cannot_be_used_is_named(body: Any, parameter: str, value: Any) -> None:
    async with served(settings=ServeSettings(max_batch_users=3)) as api:
        answer = await api.http.post(PATH, json=body)
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["parameter"], problem.get("value")) == (parameter, value)


async def test_models_are_read_together_but_not_all_at_once() -> None:
    models = WatchedModels()
    async with served(models=models) as api:
        answers = (await api.post(PATH, user_ids=MANY, limit=1))["answers"]
    assert [one["user_id"] for one in answers] == MANY
    assert models.most_asking == 32
    assert models.asked == MANY


async def test_models_that_are_away_are_503_and_not_a_crash() -> None:
    async with served(models=WatchedModels(RetryableError("away"))) as api:
        answer = await api.http.post(PATH, json={"user_ids": MANY})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


async def test_a_batch_waits_for_models_that_a_single_list_does_without() -> None:
    patient = WatchedModels()
    hasty = WatchedModels(RetryableError("too late"))
    async with served(models=hasty, patient_models=patient) as api:
        assert (await api.get("/api/recommend"))["degraded"] == ["models"]
        [answer] = (await api.post(PATH, user_ids=["u1"]))["answers"]
    assert answer["degraded"] == []
    assert (patient.asked, hasty.asked) == (["u1"], ["u1"])


async def test_others_have_their_turn_between_two_answers() -> None:
    async with served() as api:
        batch = asyncio.create_task(api.post(PATH, user_ids=MANY, limit=1))
        turns = 0
        while not batch.done():
            await asyncio.sleep(0)
            turns += 1
        await batch
    assert turns > len(MANY)


class _Sleeper:
    """Takes long."""

    operation = Operation(
        name="sleep",
        path="/sleep",
        summary="Sleeps",
        group="Tests",
        answers={},
        timeout_s=0.01,
    )

    async def answer(self, _: Call[Any, Any]) -> Answer:
        await asyncio.sleep(20)
        return Answer(content=None)


async def test_an_operation_has_the_time_that_it_declares() -> None:
    settings, metrics = ServeSettings(), ServeMetrics(CollectorRegistry())
    doors = Doors(settings, serve_gate_of(settings), lambda: 0.0)
    router = Router(settings, doors, metrics, lambda: NOW_MS)
    app = Starlette(routes=list(router.routes([_Sleeper()])))
    async with (
        asyncio.timeout(1),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http,
    ):
        assert (await http.get("/sleep")).status_code == 503


def test_a_batch_has_the_time_of_its_setting() -> None:
    models = WatchedModels()
    recommender = Recommender(models, themed_catalogue(), RankingConfig(), "c1")
    settings = ServeSettings(timeout_s=1, batch_timeout_s=7)
    endpoint = BatchEndpoint(recommender, models, ServeMetrics(CollectorRegistry()), settings)
    assert endpoint.operation.timeout_s == 7
