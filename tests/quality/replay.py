"""Asks policies, in the order of time, and keeps what they answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from tests.quality.metrics import Lists, padded
from tests.quality.questions import Question


class Policies(Protocol):
    """Whoever answers: several ways at once, where they share most of the work."""

    def begin_day(self, before: int, now_ms: int) -> None:
        """A day begins: of all users the ratings in places below `before` are known."""
        ...

    def answer(self, question: Question) -> Mapping[str, Sequence[int]]:
        """The ten best unseen items by each way's name."""
        ...


def replay(policies: Policies, asked: Iterable[Question]) -> dict[str, Lists]:
    """What each way answers. A day's statistics are those of when its first question came."""
    day = None
    users: list[int] = []
    targets: list[int] = []
    answers: dict[str, list[Sequence[int]]] = {}
    for question in asked:
        if question.day != day:
            day = question.day
            policies.begin_day(question.day_begins_at, question.now_ms)
        users.append(question.user)
        targets.append(question.target)
        for name, shown in policies.answer(question).items():
            answers.setdefault(name, []).append(shown)
    return {
        name: Lists(users=np.array(users), targets=np.array(targets), shown=padded(shown))
        for name, shown in answers.items()
    }
