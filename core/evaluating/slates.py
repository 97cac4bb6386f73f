"""Makes slates that can be weighed of logged answers, and counts what cannot be, by why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from core.config import RankingConfig
from core.errors import RejectedError
from core.evaluating.explored import ExploredSlate
from core.learning.logged import LoggedAnswer, LoggedDraw
from core.vectors import Floats, GridMatrix


class Sources(Protocol):
    """What logged answers were made from, as far as it is kept. Raises: RejectedError."""

    def config_of(self, answer: LoggedAnswer) -> RankingConfig:
        """The settings that it was ranked by."""
        ...

    def vectors_of(self, answer: LoggedAnswer, ids: Sequence[str]) -> GridMatrix | None:
        """Of items of its catalogue, None where there is not each of them."""
        ...


class Slates:
    """The answers of a log whose order was drawn by noise."""

    def __init__(self, features: Sequence[str], sources: Sources) -> None:
        """`features` are the scorers whose values are wanted."""
        self._features = features
        self._sources = sources
        self.left_out: Counter[str] = Counter()

    def of(self, answers: Iterable[LoggedAnswer]) -> Iterator[ExploredSlate]:
        """Those that can be weighed; `left_out` counts the others of this pass."""
        self.left_out.clear()
        for answer in answers:
            if answer.draw is None:
                continue
            found = self._slate(answer, answer.draw)
            if isinstance(found, str):
                self.left_out[found] += 1
            else:
                yield found

    def _slate(self, answer: LoggedAnswer, draw: LoggedDraw) -> ExploredSlate | str:
        """Or why not."""
        if not draw.by_noise:
            return "their weights were drawn, whose chances are not known"
        at = {content_id: number for number, content_id in enumerate(draw.candidates)}
        placed = [one for one in answer.items if one.by_score and one.content_id in at]
        if not placed:
            return "no item of theirs is there for its score"
        try:
            config = self._sources.config_of(answer)
            vectors = self._sources.vectors_of(answer, draw.candidates)
        except RejectedError:
            return "what they were made from is not kept (REPLAY_DAYS)"
        if vectors is None:
            return "what they were made from is not kept (REPLAY_DAYS)"
        return ExploredSlate(
            person=answer.person,
            at_ms=answer.at_ms,
            temperature=draw.temperature,
            config=config,
            scores=draw.scores,
            values=_columns(draw, self._features),
            vectors=vectors,
            shown=np.array([at[one.content_id] for one in placed], dtype=np.intp),
            opened=np.array([one.opened for one in placed]),
        )


def _columns(draw: LoggedDraw, features: Sequence[str]) -> Floats:
    """0 where a scorer said nothing. Shape: (n, features)."""
    nothing = np.zeros(len(draw.candidates))
    return np.column_stack([draw.values.get(name, nothing) for name in features])
