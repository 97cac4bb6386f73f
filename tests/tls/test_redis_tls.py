"""Over real TLS with real users: what works, who is refused, and what is said then."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import NoPermissionError

from adapters.addresses import redis_address
from adapters.redis.connection import connect, driver_errors
from adapters.settings import SharedSettings, read_settings
from core.errors import ConfigError, RetryableError
from deploy.local import LocalStack
from deploy.valkey import free_port
from tests.end_to_end.client import Pipeline, read, visitor
from tests.end_to_end.conftest import ENVIRON
from tests.tls.servers import PASSWORDS, Certificates, TlsRedis

STORY = "brundibar-terezin"

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="no redis-server for TLS on this machine"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    folder = tmp_path_factory.mktemp("tls")
    server = TlsRedis(folder, Certificates(folder / "museum"))
    yield server
    server.stop()


async def ping(settings: dict[str, str]) -> None:
    """Connect as a process with these settings does."""
    client = connect(redis_address(read_settings(SharedSettings, settings)), timeout_s=3)
    try:
        with driver_errors("greeting"):
            await client.ping()
    finally:
        await client.aclose()


def test_the_whole_pipeline_runs_over_tls_each_side_as_its_own_user(
    server: TlsRedis, tmp_path: Path
) -> None:
    with LocalStack(
        tmp_path,
        ingest_port=free_port(),
        serve_port=free_port(),
        environ=ENVIRON | server.settings(),
    ) as stack:
        stack.processes["serve"].terminate()
        stack.processes["serve"].wait()
        stack.start_process("serve", **server.settings("serve"))
        pipeline, user = Pipeline.of(stack), visitor()
        pipeline.wait_until_ready()
        pipeline.accept(read(user, STORY, 120))
        assert STORY in pipeline.model_of(user, events=1)["positives"]
        assert "warm" in pipeline.recommend(user)["strategy"]
        logs = " ".join(stack.log_of(name) for name in ("webhook", "worker", "serve"))
    assert "permi" not in logs
    assert not any(password in logs for password in PASSWORDS.values())


async def test_a_server_that_nobody_trusts_is_refused(server: TlsRedis, tmp_path: Path) -> None:
    stranger = Certificates(tmp_path / "stranger")
    with pytest.raises(RetryableError, match=r"(?i)certificate.verify.failed"):
        await ping(server.settings(REDIS_CA_FILE=str(stranger.authority)))


async def test_without_a_ca_file_the_system_is_asked_and_does_not_know_it(
    server: TlsRedis,
) -> None:
    with pytest.raises(RetryableError, match=r"(?i)certificate.verify.failed"):
        await ping(server.settings(REDIS_CA_FILE=""))


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    elsewhere = TlsRedis(tmp_path, Certificates(tmp_path / "c", host="redis.elsewhere"))
    try:
        with pytest.raises(RetryableError, match=r"(?i)mismatch|not valid for"):
            await ping(elsewhere.settings())
    finally:
        elsewhere.stop()


async def test_who_has_no_certificate_is_refused(server: TlsRedis) -> None:
    with pytest.raises(RetryableError, match="greeting"):
        await ping(server.settings(REDIS_CERT_FILE="", REDIS_KEY_FILE=""))


async def test_without_tls_nobody_gets_in(server: TlsRedis) -> None:
    with pytest.raises(RetryableError, match="greeting"):
        await ping({"REDIS_URL": f"redis://127.0.0.1:{server.port}/0"})


async def test_a_wrong_password_is_refused_and_not_shown(server: TlsRedis) -> None:
    with pytest.raises(RetryableError) as refused:
        await ping(server.settings(REDIS_PASSWORD="not the one"))
    assert "not the one" not in str(refused.value)


async def test_the_read_api_reads_models_and_can_write_nothing(server: TlsRedis) -> None:
    settings = read_settings(SharedSettings, server.settings("serve"))
    client = connect(redis_address(settings))
    try:
        assert await client.mget("model:{u1}", "links:{u1}") == [None, None]
        for command in (
            ("SET", "model:{u1}", "1"),
            ("DEL", "model:{u1}"),
            ("XADD", "ingest:{0}", "*", "a", "b"),
            ("GET", "tombstone-key"),
            ("XRANGE", "ingest:{0}", "-", "+"),
            ("EVAL", "return 1", "0"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
        ):
            with pytest.raises(NoPermissionError):
                await client.execute_command(*command)
        with pytest.raises(RetryableError, match="does not permit"), driver_errors("writing"):
            await client.set("model:{u1}", "1")
    finally:
        await client.aclose()


async def test_the_ingest_side_may_not_touch_the_server_itself(server: TlsRedis) -> None:
    client = connect(redis_address(read_settings(SharedSettings, server.settings())))
    try:
        for command in (("FLUSHALL",), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("SHUTDOWN",)):
            with pytest.raises(NoPermissionError):
                await client.execute_command(*command)
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"REDIS_URL": "redis://h:1/0"},
            "REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE: REDIS_URL",
        ),
        ({"REDIS_CA_FILE": "/nowhere/ca.pem"}, "REDIS_CA_FILE='/nowhere/ca.pem': there is no"),
        ({"REDIS_KEY_FILE": ""}, "the one is of no use without the other"),
        ({"REDIS_PASSWORD": ""}, "REDIS_USERNAME: there is no REDIS_PASSWORD"),
        ({"REDIS_URL": "rediss://a:secret@h:1/0"}, "REDIS_URL has a user or a password already"),
        (
            {"QDRANT_CA_FILE": __file__, "QDRANT_API_URL": "http://q"},
            "QDRANT_API_URL is without TLS",
        ),
    ],
)
def test_settings_that_would_be_of_no_effect_are_errors(
    server: TlsRedis, wrong: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(SharedSettings, server.settings(**wrong))
    assert told in str(refused.value)
    assert "secret" not in str(refused.value)
    assert PASSWORDS["ingest"] not in str(refused.value)
