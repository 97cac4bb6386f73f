"""From the views of several visitors to what is read most, in memory and over Redis."""

from typing import Any

import httpx

from tests.end_to_end.client import Pipeline, eventually, read, track, visitor

VIEWED = ("wiltz-general-strike", "helsinki-observatory-hill", "jersey-claude-cahun")
"""By four, two and one visitors; no other test has views of them."""


def ask(pipeline: Pipeline, path: str, **query: Any) -> Any:
    answer = httpx.get(f"{pipeline.serve_url}/api/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_several_visitors_view_is_listed_by_how_many_they_are(pipeline: Pipeline) -> None:
    new = ask(pipeline, "popular", limit=92)
    assert len(new["items"]) == 92, "there is a list before anybody has viewed anything"
    visitors = [visitor() for _ in range(4)]
    for item, by in zip(VIEWED, (4, 2, 1), strict=True):
        for user in visitors[:by]:
            opened = track(user, "CONTENT_VIEW_STARTED", content={"content_id": f"content_{item}"})
            pipeline.accept(opened, read(user, item, 60))
    # Who reloads it all day is still one visitor.
    pipeline.accept(*(read(visitors[0], VIEWED[2], 60) for _ in range(9)))

    def listed() -> Any:
        found = ask(pipeline, "popular", limit=92, half_life_days=30)
        mine = [one for one in found["items"] if one["content_id"] in VIEWED]
        return [one["views"] for one in mine] == [4, 2, 1] and (found, mine)

    found, mine = eventually(listed)
    assert [one["content_id"] for one in mine] == list(VIEWED)
    assert {one["source"] for one in mine} == {"views"}
    assert found["visitors"] >= 4
    assert found["events"] >= 2 * 7 + 9
    text = ask(pipeline, "search", q="helsinki observat")["items"]
    assert text[0]["content_id"] == VIEWED[1]
    shown = ask(pipeline, f"content/{VIEWED[1]}")
    assert shown["title"] == text[0]["title"]
