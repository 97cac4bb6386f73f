"""`LoggedAnswer`: what training and evaluating want to know of an answer that was given."""

from collections.abc import Iterable, Mapping

import msgspec

from core.learning.examples import Examples
from core.learning.gathering import Gathering, ShownItem
from core.learning.training import Versions


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
    """What the order was drawn from, by Gumbel noise.

    Shape: `candidates` (n,), `scores` (n,) in millionths without the noise, `values` from
        a scorer to (n,).
    """

    temperature: float
    candidates: tuple[str, ...]
    scores: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]


class LoggedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what was opened of it. Units: `at_ms` Unix milliseconds."""

    person: str
    at_ms: int
    config_version: str
    catalogue_version: str
    items: tuple[LoggedItem, ...]
    experiment: str | None = None
    variant: str | None = None
    is_explored: bool = False
    draw: LoggedDraw | None = None


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
                ShownItem(one.rank, one.values, one.opened)
                for one in answer.items
                if not one.seen_before
            ],
        )
    versions = Versions(config=_some(configs), catalogue=_some(catalogues))
    return gathering.examples(), versions


_MOST_VERSIONS = 20


def _some(versions: set[str]) -> tuple[str, ...]:
    """Some of them: a catalogue that changes every minute would fill the artifact."""
    return tuple(sorted(versions))[:_MOST_VERSIONS]
