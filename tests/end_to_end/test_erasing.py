"""A person is erased from everything, over running processes, and stays so."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from deploy.local import LocalStack
from deploy.valkey import valkey_binary
from tests.end_to_end.client import Pipeline, eventually, read, visitor
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.operating import outcome

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")

ITEM = "lidice-children"
UNUSABLE = {"type": "unheard of"}


@pytest.fixture
def pipeline(shared_stack: LocalStack) -> Pipeline:
    return Pipeline.of(shared_stack)


def person() -> tuple[str, str]:
    """A login, with a slash as some have, and the phone that it is used on."""
    return f"{visitor()}/a", f"phone-{visitor()}"


def bodies(user: str, phone: str, other: str) -> list[list[dict[str, Any]]]:
    """What RudderStack sends, and sends again: two persons in every body."""
    anonymous = {**read(user, ITEM, 60), "userId": None, "anonymousId": phone}
    login = {"type": "identify", "userId": user, "anonymousId": phone, "messageId": f"i-{user}"}
    return [
        [anonymous, read(other, ITEM, 60), login],
        [read(user, "brundibar-terezin", 60), {**UNUSABLE, "userId": user, "messageId": "u"}],
        [{**UNUSABLE, "userId": other, "messageId": "o"}, read(other, "brundibar-terezin", 60)],
    ]


def erased(pipeline: Pipeline, user: str) -> Mapping[str, Any]:
    answer = httpx.delete(f"{pipeline.ingest_url}/api/users/{quote(user, safe='')}", timeout=30)
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def left(stack: LocalStack, *ids: str) -> Any:
    """What a look through all of Redis finds."""
    more = [part for one in ids for part in ("--id", one)]
    done = ai_engine("erase", "--verify", "--json", *more, ids[0], REDIS_URL=stack.redis_url)
    found = outcome(done)["left"]
    assert done.returncode == (1 if found else 0)
    return found


def exported(stack: LocalStack, user: str) -> Any:
    return outcome(ai_engine("export-user", user, REDIS_URL=stack.redis_url))


@contextmanager
def stopped(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """A worker that stands still wherever it is."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def finished(stack: LocalStack) -> bool:
    """Whether nothing waits or is in a worker's hand."""
    found = outcome(ai_engine("status", "--json", REDIS_URL=stack.redis_url))
    users, shards = found["users"], found["shards"]
    return not any(
        [users["pending"], users["leased"], *(one["lag"] + one["pending"] for one in shards)]
    )


def test_an_erased_person_is_nowhere_and_does_not_come_back(
    shared_stack: LocalStack, pipeline: Pipeline
) -> None:
    (user, phone), other = person(), visitor()
    sent = bodies(user, phone, other)
    for body in sent:
        pipeline.accept(*body)
    pipeline.model_of(user, events=2)
    before = pipeline.model_of(other, events=2)
    export = eventually(lambda: (found := exported(shared_stack, phone))["dead_letters"] and found)
    assert set(export["ids"]) == {user, phone}
    assert len(export["events"]) == 3
    assert export["model"]["user_id"] == user

    receipt = erased(pipeline, phone)
    assert set(receipt["ids"]) == {user, phone}
    assert receipt["counts"]["events"] == 3
    assert receipt["counts"]["models"] >= 1
    assert receipt["counts"]["dead_letters"] == 1
    assert receipt["in_hand"] == 0
    assert left(shared_stack, user, phone) == []

    for body in sent:  # RudderStack sends again what it got no answer for
        pipeline.accept(*body)
    late = {"type": "identify", "userId": user, "anonymousId": phone, "messageId": "late"}
    pipeline.accept(late, read(phone, ITEM, 60), read(other, "vedem-petr-ginz-terezin", 60))
    after = pipeline.model_of(other, events=before["window"]["events"] + 1)
    assert set(before["positives"]) <= set(after["positives"])
    eventually(lambda: finished(shared_stack))
    eventually(lambda: left(shared_stack, user, phone) == [])
    assert pipeline.model(user) is None
    assert pipeline.model(phone) is None
    others = exported(shared_stack, other)
    assert len(others["events"]) == 3
    assert [one["reason"] for one in others["dead_letters"]] == ["unknown_type"] * 2, "sent twice"
    again = erased(pipeline, user)
    assert set(again["counts"].values()) == {0}


def test_what_waits_for_a_worker_is_erased_and_the_rest_of_it_is_applied(
    shared_stack: LocalStack, pipeline: Pipeline
) -> None:
    (user, phone), other = person(), visitor()
    with stopped(shared_stack.processes["worker"]):
        for body in bodies(user, phone, other):
            pipeline.accept(*body)
        assert exported(shared_stack, user)["stream"]
        receipt = erased(pipeline, user)
    pipeline.model_of(other, events=2)
    eventually(lambda: finished(shared_stack))
    assert receipt["ids"][0] == user
    eventually(lambda: left(shared_stack, user) == [])
    assert pipeline.model(user) is None


def test_a_person_is_erased_while_workers_are_busy_with_them(
    shared_stack: LocalStack, pipeline: Pipeline
) -> None:
    people = [person() for _ in range(8)]
    other = visitor()
    for number, (user, phone) in enumerate(people):
        for body in bodies(user, phone, other):
            pipeline.accept(*body)
        if number % 2:
            with stopped(shared_stack.processes["worker"]):
                erased(pipeline, user)
        else:
            erased(pipeline, user)
    eventually(lambda: finished(shared_stack))
    ids = [user for user, _ in people]
    eventually(lambda: left(shared_stack, *ids) == [])
    assert len(exported(shared_stack, other)["events"]) == 16


def test_rudderstack_erases_by_its_jobs(shared_stack: LocalStack, pipeline: Pipeline) -> None:
    users = [visitor(), visitor()]
    pipeline.accept(*(read(user, ITEM, 60) for user in users))
    for user in users:
        pipeline.model_of(user, events=1)
    jobs = [
        {"jobId": str(number), "destType": "WEBHOOK", "userAttributes": [{"userId": user}]}
        for number, user in enumerate(users)
    ]
    answer = pipeline.post(jobs, "/api/erase", Content_Type="application/json")
    assert answer.json() == [{"statusCode": 200, "status": "successful"}] * 2
    eventually(lambda: left(shared_stack, *users) == [])


def test_the_command_erases_and_looks_and_tells(
    shared_stack: LocalStack, pipeline: Pipeline
) -> None:
    url, user = shared_stack.redis_url, visitor()
    pipeline.accept(read(user, ITEM, 60))
    pipeline.model_of(user, events=1)
    eventually(lambda: finished(shared_stack))
    found = left(shared_stack, user)
    assert {one["key"].partition(":")[0] for one in found} >= {"events", "model", "revision"}
    assert pipeline.model(user) is not None, "looking erases nobody"
    done = ai_engine("erase", user, "--verify", REDIS_URL=url)
    assert done.returncode == 0
    assert "nothing is left" in done.stdout
    receipt = outcome(ai_engine("erase", user, "--json", REDIS_URL=url))
    assert receipt["counts"]["events"] == 0
    assert ai_engine("erase", " ", REDIS_URL=url).returncode == 2


def test_a_short_id_is_not_found_in_everything(
    shared_stack: LocalStack, pipeline: Pipeline
) -> None:
    pipeline.accept(read(visitor(), ITEM, 60))
    assert left(shared_stack, "1", "0", "queue-0", "ingest") == []


def test_no_log_names_anybody(shared_stack: LocalStack, pipeline: Pipeline) -> None:
    user = visitor()
    pipeline.accept(read(user, ITEM, 60))
    pipeline.model_of(user, events=1)
    erased(pipeline, user)
    logs = [path.read_text() for path in shared_stack._folder.glob("*.log")]
    assert not any(user in text for text in logs)
    lines = [json.loads(line) for text in logs for line in text.splitlines() if line[:1] == "{"]
    told = [line for line in lines if line["event"] == "person.erased"]
    assert told[-1]["events"] == 1
    assert "tombstones.unkeyed" in {line["event"] for line in lines}


@pytest.fixture
def own_stack(tmp_path: Any) -> Iterator[LocalStack]:
    """Processes that a test may kill; what a dead worker had in hand is soon taken over."""
    from deploy.valkey import free_port  # noqa: PLC0415
    from tests.end_to_end.conftest import ENVIRON  # noqa: PLC0415

    environ = ENVIRON | {
        "REDIS_URL": "",
        "WORKER_KEEP_EVERY_MS": "200",
        "WORKER_STALE_MS": "1000",
        "WORKER_LEASE_MS": "1000",
    }
    with LocalStack(
        tmp_path, ingest_port=free_port(), serve_port=free_port(), environ=environ
    ) as stack:
        yield stack


@pytest.mark.parametrize("killed_first", [False, True])
def test_a_worker_that_is_killed_in_the_middle_leaves_nothing(
    own_stack: LocalStack, *, killed_first: bool
) -> None:
    pipeline = Pipeline.of(own_stack)
    users, other = [], visitor()
    for _ in range(6):
        user, phone = person()
        users.append(user)
        for body in bodies(user, phone, other):
            pipeline.accept(*body)
        worker = own_stack.processes["worker"]
        if killed_first:
            worker.kill()
            erased(pipeline, user)
        else:
            with stopped(worker):
                erased(pipeline, user)
                worker.kill()
        worker.wait(timeout=10)
        own_stack.start_process("worker")
    eventually(lambda: finished(own_stack))
    eventually(lambda: left(own_stack, *users) == [])
    assert len(exported(own_stack, other)["events"]) == 12
