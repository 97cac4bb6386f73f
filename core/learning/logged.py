"""`LoggedAnswer`: what training and evaluating want to know of an answer that was given."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from core.answer_log.entry import AnswerEntry, DrawnFrom
from core.answer_log.outcomes import ItemOutcome
from core.learning.examples import Examples
from core.learning.gathering import Gathering, ShownRow
from core.learning.training import Versions
from core.ranking.fusion import Micros
from core.vectors import Floats

_MOST_VERSIONS = 20
_PLACED_BY_OTHERS = frozenset({"pinned", "revisit", "distractor", "fresh"})
"""What brings an item to its place whatever its score is."""


class LoggedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was shown. `by_score`: a score put it there, and no curator, draw or lack.

    Shape: `values` from a scorer to what it said. Units: `rank` from 1.
    """

    content_id: str
    rank: int
    by_score: bool
    seen_before: bool
    opened: bool
    values: Mapping[str, float]


class LoggedDraw(msgspec.Struct, frozen=True, kw_only=True):
    """What the order was drawn from. `by_noise`: by Gumbel noise, and not by drawn weights.

    Shape: `candidates` (n,), `scores` (n,) in millionths without the noise, `values` from
        a scorer to (n,).
    """

    by_noise: bool
    temperature: float
    candidates: tuple[str, ...]
    scores: Micros
    values: Mapping[str, Floats]


class LoggedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what was opened of it. Units: `at_ms` Unix milliseconds."""

    person: str
    at_ms: int
    config_version: str
    catalogue_version: str
    ranker_version: str = ""
    items: tuple[LoggedItem, ...]
    experiment: str | None = None
    variant: str | None = None
    draw: LoggedDraw | None = None


def logged_answer(entry: AnswerEntry, outcomes: Mapping[str, ItemOutcome]) -> LoggedAnswer:
    """An entry with what followed it."""
    items = []
    for rank, item in enumerate(entry.slate, start=1):
        outcome = outcomes.get(item.content_id)
        items.append(
            LoggedItem(
                content_id=item.content_id,
                rank=rank,
                by_score=_PLACED_BY_OTHERS.isdisjoint(item.generated_by),
                seen_before="revisit" in item.generated_by,
                opened=outcome is not None and outcome.opened,
                values=dict(zip(entry.features, item.features, strict=True)),
            )
        )
    return LoggedAnswer(
        person=entry.user,
        at_ms=entry.served_at_ms,
        config_version=entry.config_version,
        catalogue_version=entry.catalogue_version,
        ranker_version=entry.ranker_version,
        items=tuple(items),
        experiment=entry.experiment,
        variant=entry.variant,
        draw=None if entry.drawn_from is None else _draw(entry.drawn_from, entry.features),
    )


def _draw(drawn: DrawnFrom, features: tuple[str, ...]) -> LoggedDraw:
    values = np.frombuffer(drawn.values, dtype="<f4").reshape(len(features), len(drawn.candidates))
    return LoggedDraw(
        by_noise=drawn.kind == "gumbel",
        temperature=drawn.temperature,
        candidates=drawn.candidates,
        scores=np.array(drawn.scores, dtype=np.int64),
        values=dict(zip(features, values.astype(np.float64), strict=True)),
    )


def gather(answers: Iterable[LoggedAnswer], features: Iterable[str]) -> tuple[Examples, Versions]:
    """What there is to learn. Items that were shown again for lack of others teach nothing."""
    gathering = Gathering(tuple(features))
    configs: set[str] = set()
    catalogues: set[str] = set()
    for answer in answers:
        configs.add(answer.config_version)
        catalogues.add(answer.catalogue_version)
        gathering.add(
            answer.at_ms,
            [
                ShownRow(one.rank, one.values, one.opened)
                for one in answer.items
                if not one.seen_before
            ],
        )
    versions = Versions(config=_some(configs), catalogue=_some(catalogues))
    return gathering.examples(), versions


def _some(versions: set[str]) -> tuple[str, ...]:
    """Some of them: a catalogue that changes every minute would fill the artifact."""
    return tuple(sorted(versions))[:_MOST_VERSIONS]
