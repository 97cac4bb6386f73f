"""A visitor with a phone and a login, and a kiosk that many use, in memory and over Redis."""

from collections.abc import Mapping
from typing import Any

from tests.end_to_end.client import Pipeline, eventually, read, visitor

MUSIC = ("brundibar-terezin", "dachau-song-gate")
AIR_WAR = "hamburg-st-nikolai"


def anonymous(device: str, story: str, minutes_ago: float = 1.0) -> dict[str, Any]:
    """A story that is read before anybody has logged in."""
    event = read("", story, 120, minutes_ago=minutes_ago)
    del event["userId"]
    return event | {"anonymousId": device}


def call(kind: str, **ids: Any) -> dict[str, Any]:
    return {"type": kind, "messageId": visitor(), **ids}


def same_model(pipeline: Pipeline, *ids: str, events: int) -> Mapping[str, Any]:
    """The one model that all ids read, once it knows so many events and is not rebuilt again."""
    pipeline.model_of(ids[0], events=events)

    def same() -> Mapping[str, Any] | None:
        first, *others = [pipeline.model(one) for one in ids]
        return first if all(one == first for one in others) else None

    found: Mapping[str, Any] = eventually(same)
    return found


def liked(pipeline: Pipeline, user_id: str) -> set[str] | None:
    model = pipeline.model(user_id)
    return None if model is None else set(model["positives"])


def test_after_a_login_the_site_knows_what_was_read_on_the_phone(pipeline: Pipeline) -> None:
    phone, ada = visitor(), visitor()
    pipeline.accept(anonymous(phone, MUSIC[0]))
    pipeline.model_of(phone, events=1)
    pipeline.accept(read(ada, AIR_WAR, 120))
    pipeline.model_of(ada, events=1)
    pipeline.accept(call("identify", userId=ada, anonymousId=phone))
    model = same_model(pipeline, ada, phone, events=3)
    assert set(model["positives"]) == {MUSIC[0], AIR_WAR}
    for one in (ada, phone):
        assert not {MUSIC[0], AIR_WAR} & set(pipeline.ids(one, limit=90))
    pipeline.accept(anonymous(phone, MUSIC[1]))
    assert MUSIC[1] in same_model(pipeline, phone, ada, events=4)["positives"]


def test_a_link_may_come_before_the_events_and_in_any_form(pipeline: Pipeline) -> None:
    phone, tablet, old, ada = visitor(), visitor(), visitor(), visitor()
    named = [{"type": "user_id", "value": ada}, {"type": "anonymous_id", "value": tablet}]
    pipeline.accept(
        call("alias", userId=ada, previousId=old),
        call("merge", mergeProperties=named),
        call("identify", userId=ada, anonymousId=phone),
    )
    stories = (*MUSIC, AIR_WAR)
    for device, story in zip((phone, tablet, old), stories, strict=True):
        pipeline.accept(anonymous(device, story))
    model = same_model(pipeline, ada, phone, tablet, old, events=6)
    assert set(model["positives"]) == set(stories)


def test_a_kiosk_joins_nobody_and_knows_its_session_alone(pipeline: Pipeline) -> None:
    kiosk, *people = (visitor() for _ in range(4))
    pipeline.accept(anonymous(kiosk, AIR_WAR, 3) | {"context": {"sessionId": 1764000000001}})
    for person in people:
        pipeline.accept(
            call("identify", userId=person, anonymousId=kiosk), read(person, MUSIC[0], 120)
        )
        pipeline.model_of(person, events=2)
    pipeline.accept(anonymous(kiosk, MUSIC[1]) | {"context": {"sessionId": 1764000000002}})
    # What others did there before is not theirs.
    eventually(lambda: liked(pipeline, kiosk) == {MUSIC[1]})
    for person in people:
        eventually(lambda person=person: liked(pipeline, person) == {MUSIC[0]})  # type: ignore[misc]
