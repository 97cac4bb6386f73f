"""Redis hangs, is killed and comes back under load: every answer is 200, marked and quick."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from adapters.redis.connection import Client, connect
from adapters.redis.user_models import RedisUserModelStore
from core.errors import RetryableError
from core.ports import UserModelStore
from deploy.valkey import Valkey, valkey_binary
from serve_api.composition import serve_settings
from serve_api.guard import BreakerGuard
from serve_api.guarded_models import GuardedModels
from tests.build import read, signals_of, themed_catalogue
from tests.degraded import Asked, Reply, reading, require_quick
from tests.valkey_cluster import ValkeyCluster

STORE = themed_catalogue()
MODEL = signals_of(read("hiding-0", 40), contents=tuple(STORE.contents))
REVISIONS = {f"u{number}": number + 1 for number in range(60)}
USERS = list(REVISIONS)
BACK_WITHIN_S = 2.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ValkeyCluster]:
    if valkey_binary() is None:
        pytest.skip("no Valkey for this machine")
    cluster = ValkeyCluster(tmp_path)
    try:
        cluster.start()
        yield cluster
    finally:
        send(cluster.nodes, signal.SIGCONT)
        cluster.kill()


async def save_models(client: Client) -> UserModelStore:
    """A model each, told apart by their revisions."""
    models = RedisUserModelStore(client, ttl_s=600)
    await models.save_signals(
        [msgspec.structs.replace(MODEL, user_id=user, revision=REVISIONS[user]) for user in USERS]
    )
    return models


def send(servers: Sequence[Valkey], number: int) -> None:
    for server in servers:
        if server.process is not None:
            server.process.send_signal(number)


def require_personal(replies: Sequence[Reply]) -> None:
    assert {(one.status, one.strategy, *one.degraded) for one in replies} == {(200, "warm")}
    assert all(one.revision == REVISIONS[one.user] for one in replies), "nobody gets another's"


def require_degraded(replies: Sequence[Reply]) -> None:
    found = {(one.status, one.strategy, *one.degraded) for one in replies}
    assert found == {(200, "cold_diverse", "models")}


async def require_that_answers_go_on(
    asked: Asked,
    usual: Sequence[Reply],
    *,
    harm: Callable[[], None],
    heal: Callable[[], None],
    away_s: float,
) -> None:
    """Harm in the midst of the load, ask on, heal."""
    load = asyncio.create_task(asked.many(100))
    await asyncio.sleep(0.02)
    harm()
    amid = await load
    assert {one.status for one in amid} == {200}
    during = await asked.many(200)
    await asyncio.sleep(away_s)
    during += await asked.many(100)
    require_degraded(during)
    ready = await asked.client.get("/readyz")
    assert (ready.status_code, ready.json()["degraded"]) == (200, ["models"])
    unknown = await asked.client.get("/api/usermodel", params={"user_id": USERS[0]})
    assert unknown.status_code == 503
    heal()
    await asked.recover(within_s=BACK_WITHIN_S)
    require_personal(await asked.many(100))
    require_quick([*amid, *during], usual)


async def test_answers_go_on_while_redis_hangs_and_while_it_is_killed(own_server: Valkey) -> None:
    client = connect(own_server.url)
    await save_models(client)
    await client.aclose()
    async with reading(serve_settings({"REDIS_URL": own_server.url}), USERS, STORE) as asked:
        usual = await asked.many(200)
        require_personal(usual)
        await require_that_answers_go_on(
            asked,
            usual,
            harm=lambda: send([own_server], signal.SIGSTOP),
            heal=lambda: send([own_server], signal.SIGCONT),
            away_s=1.2,  # a probe hangs, is given up, and the next one does
        )
        await require_that_answers_go_on(
            asked, usual, harm=own_server.kill, heal=own_server.start, away_s=0.3
        )


async def test_answers_go_on_while_a_cluster_hangs(cluster: ValkeyCluster) -> None:
    client = connect(cluster.url, cluster=True)
    await save_models(client)
    await client.aclose()
    settings = serve_settings({"REDIS_URL": cluster.url, "REDIS_CLUSTER": "1"})
    async with reading(settings, USERS, STORE) as asked:
        usual = await asked.many(200)
        require_personal(usual)
        await require_that_answers_go_on(
            asked,
            usual,
            harm=lambda: send(cluster.nodes, signal.SIGSTOP),
            heal=lambda: send(cluster.nodes, signal.SIGCONT),
            away_s=1.0,
        )


async def test_reads_that_were_given_up_leave_no_connection_taken_or_out_of_step(
    own_server: Valkey,
) -> None:
    client = connect(own_server.url)
    models = await save_models(client)
    async with BreakerGuard(
        "models", lambda: models.get_signals(USERS[0]), timeout_s=0.04
    ) as guard:
        guarded = GuardedModels(models, guard)
        for _ in range(3):
            send([own_server], signal.SIGSTOP)
            found = await asyncio.gather(
                *(guarded.get_signals(user) for user in USERS), return_exceptions=True
            )
            assert {type(one) for one in found} == {RetryableError}
            send([own_server], signal.SIGCONT)
            async with asyncio.timeout(BACK_WITHIN_S):
                while not await has_model(guarded, USERS[0]):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            read_again = [await models.get_signals(user) for user in USERS]
            assert [one.revision for one in read_again if one] == list(REVISIONS.values())
    assert not client.connection_pool._in_use_connections  # type: ignore[union-attr]
    await client.aclose()


async def has_model(models: UserModelStore, user: str) -> bool:
    with suppress(RetryableError):
        return await models.get_signals(user) is not None
    return False
