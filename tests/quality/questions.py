"""What is asked at which moment: before every like, what comes next for its user?

The protocol replays ratings in their order. Whoever answers knows the user's
history to the event, and of all users what was known when the day began.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from core.modelling.decay import MS_PER_DAY
from tests.quality.dataset import Ratings

VISIT_MS = 30 * 60 * 1000
"""Of consecutive ratings half share a second: what is older is of another visit."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which unseen item comes next for a user?

    Shape: `history` the places of the user's ratings that may be known, `hidden`
        the items that are seen and may not be known, `target` the liked item;
        `day_begins_at` the place of the first rating of that day.
    Units: Unix milliseconds.
    """

    place: int
    day_begins_at: int
    user: int
    now_ms: int
    target: int
    history: Sequence[int]
    hidden: Sequence[int] = ()

    @property
    def day(self) -> int:
        """Days since 1970."""
        return self.now_ms // MS_PER_DAY


def questions(
    ratings: Ratings, begin: float, end: float, *, older_than_ms: int = 0
) -> Iterator[Question]:
    """One for each like within a stretch, of users with a like that may be known.

    Shape: `begin` and `end` are shares of all ratings; with `older_than_ms` only
        ratings that much older than the question may be known.
    """
    liked = ratings.liked.tolist()
    users, items, times = ratings.users.tolist(), ratings.items.tolist(), ratings.ts_ms.tolist()
    first, last = round(begin * len(ratings)), round(end * len(ratings))
    days = ratings.ts_ms // MS_PER_DAY
    day_begins = np.searchsorted(days, days, side="left").tolist()
    histories: dict[int, list[int]] = {}
    for place in range(last):
        history = histories.setdefault(users[place], [])
        if place >= first and liked[place]:
            upto = times[place] - older_than_ms
            known = history if not older_than_ms else [at for at in history if times[at] < upto]
            if any(liked[at] for at in known):
                yield Question(
                    place=place,
                    day_begins_at=day_begins[place],
                    user=users[place],
                    now_ms=times[place],
                    target=items[place],
                    history=tuple(known),
                    hidden=tuple(items[at] for at in history[len(known) :]),
                )
        history.append(place)
