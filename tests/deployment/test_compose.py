"""The compose file: valid, closed, and in agreement with the settings."""

import json
import re

import pytest
from compose_spec import PyCompose, parse_duration

from tests.deployment.files import compose, example_environ, port_of
from tests.deployment.processes import PROCESSES, SETTINGS

FILE = compose(example_environ())
SERVICES = FILE["services"]
BYTES = {"mb": 1024**2, "gb": 1024**3}

each_process = pytest.mark.parametrize("name", PROCESSES)


def test_the_file_is_what_the_compose_specification_allows() -> None:
    PyCompose.from_json(json.dumps(FILE))
    misspelt = {"services": {"webhook": SERVICES["webhook"] | {"restrt": "always"}}}
    with pytest.raises(ValueError, match="restrt"):
        PyCompose.from_json(json.dumps(misspelt))


@each_process
def test_a_process_is_the_image_with_its_command(name: str) -> None:
    assert SERVICES[name]["image"].startswith("ai-engine:")
    assert SERVICES[name]["command"] == PROCESSES[name].command


@each_process
def test_every_variable_is_a_setting(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= set(SETTINGS)
    assert SERVICES[name].get("tmpfs", []) == ([] if name == "webhook" else ["/tmp"])  # noqa: S108 - a container's own


@each_process
def test_a_health_check_asks_the_process_s_own_port_whether_it_is_ready(name: str) -> None:
    asked = SERVICES[name]["healthcheck"]["test"]
    assert asked[:3] == ["CMD", "python", "-c"]
    assert f"'http://127.0.0.1:{port_of(name)}/readyz'" in asked[3]


@each_process
def test_a_process_is_given_more_time_to_stop_than_it_takes(name: str) -> None:
    grace_s = parse_duration(SERVICES[name]["stop_grace_period"])
    assert grace_s > PROCESSES[name].stops_within_s


@each_process
def test_a_process_may_do_nothing_that_it_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(volume.endswith(":ro") for volume in service["volumes"])


@each_process
def test_a_process_waits_for_redis_and_comes_back(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["environment"]["REDIS_URL"] == "redis://redis:6379/0"


def test_only_webhook_and_read_api_are_published_and_only_to_this_machine() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {
        name: [f"127.0.0.1:{port_of(name)}:{port_of(name)}"] for name in ("webhook", "serve")
    }


def test_there_are_two_workers() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


def test_without_a_key_nothing_starts() -> None:
    with pytest.raises(KeyError, match="INGEST_API_KEY"):
        compose({})


def test_redis_keeps_what_was_accepted_and_has_room_for_the_backlog() -> None:
    words = SERVICES["redis"]["command"][1:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    found = re.fullmatch(r"(\d+)(mb|gb)", options["--maxmemory"])
    assert found
    assert int(found[1]) * BYTES[found[2]] >= 2 * SETTINGS["INGEST_MAX_BACKLOG_BYTES"]
    assert SERVICES["redis"]["volumes"] == ["redis-data:/data"]


def test_qdrant_starts_only_when_asked_for() -> None:
    assert SERVICES["qdrant"]["profiles"] == ["qdrant"]
