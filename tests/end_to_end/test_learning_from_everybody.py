"""From what several visitors like to what the next one is told, in memory and over Redis."""

from typing import Any

import httpx

from tests.end_to_end.client import Pipeline, eventually, read, visitor


def ask(pipeline: Pipeline, user: str) -> Any:
    query: dict[str, str | int] = {"user_id": user, "limit": 92, "explain": "1"}
    answer = httpx.get(f"{pipeline.serve_url}/api/recommend", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_others_liked_beside_it_reaches_who_likes_the_one(pipeline: Pipeline) -> None:
    catalogue = ask(pipeline, visitor())["items"]
    one, other = sorted(item["content_id"] for item in catalogue)[-2:]
    for _ in range(12):
        user = visitor()
        pipeline.accept(read(user, one, 300), read(user, other, 300))
    reader = visitor()
    pipeline.accept(read(reader, one, 300))

    def told() -> Any:
        answer = ask(pipeline, reader)
        found = {item["content_id"]: item for item in answer["items"]}
        return found[other]["contributions"].get("covisit", 0.0) > 0 and (answer, found[other])

    answer, item = eventually(told)
    assert "covisit" in item["generated_by"]
    assert abs(sum(item["contributions"].values()) - item["score"]) < 1e-6
    said = answer["diagnostics"]["collective"]
    assert said["version"]
    assert 0 < said["certainty"] < 1
