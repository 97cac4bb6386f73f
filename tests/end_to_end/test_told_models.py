"""What a visitor did goes through the whole pipeline and is told again, from every store."""

from typing import Any

import httpx

from tests.end_to_end.client import Pipeline, eventually, read, track, visitor

LIKED, LEFT = "brundibar-terezin", "hamburg-st-nikolai"


def told(pipeline: Pipeline, what: str, user_id: str, **query: Any) -> Any:
    answer = httpx.get(
        f"{pipeline.serve_url}/api/usermodel/{what}", params={"user_id": user_id} | query
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_model_is_explained_and_its_history_told(pipeline: Pipeline) -> None:
    user = visitor()
    pipeline.accept(
        track(
            user, "SURVEY_SUBMITTED", minutes_ago=9, answers={"q:personalization_theme": "Faith"}
        ),
        read(user, LIKED, 120, minutes_ago=6),
        read(user, LEFT, 2, "abandon", minutes_ago=3),
    )
    pipeline.model_of(user, events=3)
    explained = told(pipeline, "explain", user)
    assert (explained["matches_model"], explained["newer_events"]) == (True, 0)
    [like], [dislike] = explained["likes"], explained["dislikes"]
    assert (like["content_id"], dislike["content_id"]) == (LIKED, LEFT)
    assert like["evidence"]["dwell_seconds"] == 120
    assert [one["answer"] for one in explained["persona"]["named"]] == ["Faith"]

    newest = told(pipeline, "history", user, limit=2)
    older = told(pipeline, "history", user, limit=2, before=newest["next_before"])
    lines = [*newest["page"], *older["page"]]
    assert [line.get("content_id") for line in lines] == [LEFT, LIKED, None]
    assert [line["change"]["items"][0]["after"]["list"] for line in lines[:2]] == [
        "dislikes",
        "likes",
    ]
    assert lines[2]["change"]["affinity"] == [
        {"tag": "theme_what:Faith", "before": None, "after": 1.0}
    ]


def test_a_batch_is_made_of_the_lists_of_its_visitors(pipeline: Pipeline) -> None:
    reader, stranger = visitor(), visitor()
    pipeline.accept(read(reader, LIKED, 120))
    pipeline.model_of(reader, events=1)
    shared = {"seed": 5, "at": 1_800_000_000_000, "limit": 3}

    def are_the_same() -> bool:
        """Unless what everybody likes was counted anew in between."""
        answer = httpx.post(
            f"{pipeline.serve_url}/api/recommend/batch",
            json={"user_ids": [stranger, reader]} | shared,
        )
        alone = [pipeline.recommend(user, **shared) for user in (stranger, reader)]
        return bool(answer.json()["answers"] == alone)

    assert eventually(are_the_same)
