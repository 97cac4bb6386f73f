"""What is served and done is recorded, can be made again, and goes with the person."""

from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from tests.end_to_end.client import Pipeline, eventually, read, visitor

ITEM = "lidice-children"


def replayed(pipeline: Pipeline, request_id: str) -> Any:
    answer = httpx.get(f"{pipeline.serve_url}/api/replay/{request_id}", timeout=30)
    return answer.json() if answer.status_code == 200 else None


def test_an_answer_is_made_again_after_the_visitor_and_everybody_moved_on(
    pipeline: Pipeline,
) -> None:
    user = visitor()
    pipeline.accept(read(user, ITEM, 200))
    pipeline.model_of(user, events=1)
    answers = [pipeline.recommend(user, limit=5, near="50.1,14.2"), pipeline.recommend(visitor())]
    pipeline.accept(read(user, "brundibar-terezin", 200))
    pipeline.model_of(user, events=2)
    for answer in answers:
        found = eventually(partial(replayed, pipeline, answer["request_id"]))
        assert found["identical"], found["differences"]
        assert found["answer"] == answer | {"user_id": ""}
        assert user not in str(found)


def test_an_answer_that_nobody_gave_is_not_found(pipeline: Pipeline) -> None:
    for request_id in ("0" * 32, "not-an-id"):
        answer = httpx.get(f"{pipeline.serve_url}/api/replay/{request_id}", timeout=30)
        assert answer.status_code == 404, answer.text


def test_with_the_person_go_their_rows(pipeline: Pipeline) -> None:
    user, other = visitor(), visitor()
    pipeline.accept(read(user, ITEM, 200), read(other, ITEM, 200))
    pipeline.model_of(user, events=1)
    mine, theirs = pipeline.recommend(user), pipeline.recommend(other)
    for answer in (mine, theirs):
        eventually(partial(replayed, pipeline, answer["request_id"]))
    url = f"{pipeline.ingest_url}/api/users/{quote(user, safe='')}"
    kept = httpx.get(url, timeout=30).json()["log"]
    assert {row["log"] for row in kept} == {"answers", "events"}
    receipt = httpx.delete(url, timeout=60).json()
    assert receipt["counts"]["log_rows"] >= 2
    assert replayed(pipeline, mine["request_id"]) is None
    assert replayed(pipeline, theirs["request_id"]) is not None
    assert httpx.get(url, timeout=30).json()["log"] == []
