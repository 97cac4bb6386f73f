"""Makes slates that can be weighed of logged answers, and counts what cannot be, by why."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from core.evaluating.explored import ExploredSlate
from core.learning.logged import LoggedAnswer, LoggedDraw
from core.vectors import Floats, GridMatrix

VectorsOf = Callable[[Sequence[str]], GridMatrix | None]
"""The vectors of items, None where the catalogue has not all of them any more."""


class Slates:
    """The explored answers of a log that were made by the policy that is known."""

    def __init__(self, config_version: str, features: Sequence[str], vectors_of: VectorsOf) -> None:
        """Of answers of another `config_version` nobody knows how they were diversified."""
        self._config_version = config_version
        self._features = features
        self._vectors_of = vectors_of
        self.left_out: Counter[str] = Counter()

    def of(self, answers: Iterable[LoggedAnswer]) -> Iterator[ExploredSlate]:
        """Those that can be weighed; `left_out` counts the others of this pass."""
        self.left_out.clear()
        for answer in answers:
            if not answer.is_explored:
                continue
            found = self._slate(answer)
            if isinstance(found, str):
                self.left_out[found] += 1
            else:
                yield found

    def _slate(self, answer: LoggedAnswer) -> ExploredSlate | str:
        """Or why not."""
        draw = answer.draw
        if draw is None:
            return "drawn in another way than by noise"
        if answer.config_version != self._config_version:
            return "made by other settings"
        at = {content_id: number for number, content_id in enumerate(draw.candidates)}
        placed = [one for one in answer.items if one.by_score and one.content_id in at]
        if not placed:
            return "no item is there for its score"
        vectors = self._vectors_of(draw.candidates)
        if vectors is None:
            return "items have left the catalogue since"
        return ExploredSlate(
            person=answer.person,
            at_ms=answer.at_ms,
            temperature=draw.temperature,
            scores=np.array(draw.scores, dtype=np.int64),
            values=_columns(draw, self._features),
            vectors=vectors,
            shown=np.array([at[one.content_id] for one in placed], dtype=np.intp),
            opened=np.array([one.opened for one in placed]),
        )


def _columns(draw: LoggedDraw, features: Sequence[str]) -> Floats:
    """0 where a scorer said nothing. Shape: (n, features)."""
    nothing = np.zeros(len(draw.candidates))
    return np.column_stack([np.asarray(draw.values.get(name, nothing)) for name in features])
