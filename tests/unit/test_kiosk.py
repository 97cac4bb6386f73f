"""A shared device: whoever stands before it is known by this session alone, and only so long."""

from typing import Any

from core.identity.node import IdentityConfig, Node, owner_of, somebody_erased
from tests.unit.ingest_loop import Loop

GAP_MS = 1_800_000
KIOSK = "kiosk"


def read(story: str, at_ms: int, session: int | None = None, **who: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "CONTENT_VIEW_ENDED",
        "messageId": f"{story}-{at_ms}",
        "timestamp": at_ms,
        "context": {"sessionId": session},
        "properties": {
            "content_id": story,
            "details": {"reason": "next_button", "dwell_seconds": 30},
        },
        **(who or {"anonymousId": KIOSK}),
    }


async def shared(loop: Loop) -> None:
    """Three persons have logged in at the kiosk."""
    await loop.handle(
        *(
            {"type": "identify", "userId": person, "anonymousId": KIOSK, "messageId": person}
            for person in ("ada", "bob", "cyd")
        )
    )


async def liked(loop: Loop, user_id: str = KIOSK) -> set[str] | None:
    loop.now_ms += 10_000
    while await loop.refresher.refresh_round():
        pass
    model = await loop.models.get_signals(user_id)
    return None if model is None else set(model.positives)


async def test_another_session_begins_anew() -> None:
    loop = Loop()
    await shared(loop)
    now_ms = loop.now_ms
    await loop.handle(read("hiding-0", now_ms - 60_000, 1), read("music-0", now_ms - 30_000, 2))
    assert await liked(loop) == {"music-0"}


async def test_without_session_ids_a_pause_ends_the_session() -> None:
    loop = Loop()
    await shared(loop)
    now_ms = loop.now_ms
    await loop.handle(
        read("hiding-0", now_ms - GAP_MS - 60_001),
        read("music-0", now_ms - 60_000),
        read("rescue-0", now_ms - 30_000),
    )
    assert await liked(loop) == {"music-0", "rescue-0"}


async def test_after_a_pause_nothing_is_known_of_who_comes_next() -> None:
    loop = Loop()
    await shared(loop)
    await loop.handle(read("hiding-0", loop.now_ms))
    assert await liked(loop) == {"hiding-0"}
    loop.now_ms += GAP_MS - 20_000
    assert await liked(loop) == {"hiding-0"}
    loop.now_ms += 20_001
    assert await liked(loop) is None


async def test_what_was_somebodys_goes_when_the_device_turns_out_to_be_shared() -> None:
    loop = Loop()
    await loop.handle(
        read("hiding-0", loop.now_ms - 60_000),
        {"type": "identify", "userId": "ada", "anonymousId": KIOSK, "messageId": "a"},
    )
    assert await liked(loop, "ada") == {"hiding-0"}
    await shared(loop)
    assert await liked(loop, "ada") == set()
    assert loop.value("refused_links_total", reason="shared") == 3


async def test_who_was_said_to_be_a_device_that_turns_out_to_be_shared_is_themselves() -> None:
    loop = Loop()
    anonymous = [{"type": "anonymous_id", "value": one} for one in (KIOSK, "phone")]
    await loop.handle(
        {"type": "merge", "mergeProperties": anonymous, "messageId": "p"},
        read("hiding-0", loop.now_ms - 60_000, anonymousId="phone"),
    )
    assert await liked(loop, "phone") == await liked(loop) == {"hiding-0"}
    await shared(loop)
    assert await liked(loop, "phone") == {"hiding-0"}


async def test_of_two_persons_the_device_is_the_ones_who_was_there_first() -> None:
    loop = Loop()
    said = [
        {
            "type": "identify",
            "userId": who,
            "anonymousId": "tablet",
            "timestamp": at,
            "messageId": who,
        }
        for who, at in (("bob", loop.now_ms - 1_000), ("ada", loop.now_ms - 2_000))
    ]
    await loop.handle(*said, read("hiding-0", loop.now_ms - 500, anonymousId="tablet"))
    assert await liked(loop, "ada") == {"hiding-0"}
    assert await liked(loop, "bob") == set()
    assert loop.value("refused_links_total", reason="of_another") == 1


async def test_a_user_id_as_anothers_anonymous_id_joins_nobody() -> None:
    loop = Loop()
    await loop.handle(
        {"type": "identify", "userId": "ada", "messageId": "a"},
        read("hiding-0", loop.now_ms - 500, userId="ada"),
        {"type": "identify", "userId": "bob", "anonymousId": "ada", "messageId": "b"},
    )
    assert await liked(loop, "ada") == {"hiding-0"}
    assert await liked(loop, "bob") == set()
    assert loop.value("refused_links_total", reason="two_persons") == 1


def test_who_was_there_first_and_was_erased_leaves_the_device_to_nobody() -> None:
    erased = somebody_erased("1")
    node = Node(devices={"ada": 2, erased: 1})
    assert owner_of(node, IdentityConfig()) is None
    assert owner_of(Node(devices={"ada": 1, erased: 2}), IdentityConfig()) == "ada"
