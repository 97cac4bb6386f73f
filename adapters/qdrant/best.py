"""The best of a search, ties by id, from an engine that breaks ties as it likes."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

_MORE = 16
_TIMES = 4


class Hit(msgspec.Struct, frozen=True):
    """One point that a search found, and what it is worth."""

    value: float
    content_id: str
    inside: bool = True
    """Whether it may be shown; one at a border is found and may not."""


Fetch = Callable[[int], Awaitable[Sequence[Hit]]]


async def best(fetch: Fetch, limit: int, *, margin: float = 0.0) -> list[str]:
    """The ids of the first `limit` by value, ties by id.

    `fetch` gives the first so many as the engine orders them, by values that
    may be off by `margin` of their size. As long as what it left out might tie
    with the last of the answer, more is fetched.
    """
    if limit < 1:
        return []
    asked = limit + _MORE
    while True:
        hits = await fetch(asked)
        ranked = sorted((-hit.value, hit.content_id) for hit in hits if hit.inside)[:limit]
        if len(hits) < asked or _beaten(hits, ranked, limit, margin):
            return [content_id for _, content_id in ranked]
        asked *= _TIMES


def _beaten(
    hits: Sequence[Hit], ranked: Sequence[tuple[float, str]], limit: int, margin: float
) -> bool:
    """Whether the last of the answer is better than anything that was not fetched."""
    left_out = min(hit.value for hit in hits)
    return len(ranked) == limit and -ranked[-1][0] > left_out + margin * abs(left_out)
