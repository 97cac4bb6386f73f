"""`Recommendation`: an answer to "what next?", with how every item came to be there."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from core.content import ContentFilter, ShownContent
from core.explanation import Explanation
from core.geo import GeoPoint

ItemKind = Literal["recommendation", "distractor"]
Away = Literal["models", "contents"]
"""What an answer may have to do without: the visitor's model, the whole of the catalogue."""


class RecommendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the app asks for.

    `user_id` is empty where it is for nobody in particular. `session` is the id
    of the item that the visitor has just viewed, for more like it. `distractor`
    None leaves it to the settings, `seed` None draws it from the visitor, the
    model and the catalogue, and `at_ms` None is now (Unix milliseconds).
    """

    user_id: str
    limit: int = 10
    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    language: str | None = None
    near: GeoPoint | None = None
    radius_m: float | None = None
    exclude: tuple[str, ...] = ()
    session: str | None = None
    distractor: bool | None = None
    include_content: bool = False
    explain: bool = False
    seed: int | None = None
    at_ms: int | None = None

    def scope(self) -> ContentFilter:
        """The restrictions that every item of the answer obeys."""
        viewed_now = () if self.session is None else (self.session,)
        return ContentFilter(
            tags=self.tags,
            without=self.without,
            language=self.language,
            near=self.near,
            radius_m=self.radius_m,
            exclude=frozenset((*self.exclude, *viewed_now)),
        )


class RecommendedItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of an answer. The contributions add up to `score`."""

    content_id: str
    rank: int
    score: float
    kind: ItemKind
    generated_by: tuple[str, ...]
    contributions: Mapping[str, float]
    explanation: Explanation | None = None
    content: ShownContent | None = None


class DistractorReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where the distractor is, or why there is none."""

    placed: bool
    reason: str
    strategy: str | None = None
    rank: int | None = None


class SessionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The item that the visitor has just viewed; one that is not known has no part."""

    content_id: str
    known: bool


class CollectiveReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which statistics of all visitors had a part, and how far they were trusted.

    `certainty` is that of covisit and `popularity_certainty` that of popularity,
    both in [0, 1): the scorers' values are what they say times that.
    """

    version: str
    certainty: float
    popularity_certainty: float


class ExperimentReport(msgspec.Struct, frozen=True, kw_only=True):
    """The experiment that the visitor is in, and the variant that they get."""

    name: str
    variant: str


class ExplorationReport(msgspec.Struct, frozen=True, kw_only=True):
    """That the order was drawn by the seed: noise on the scores, or weights that were drawn."""

    kind: Literal["gumbel", "thompson"]
    temperature: float


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer came about. `at_ms` and `ranking["seed"]` ask for it again.

    Units: Unix milliseconds, `model_age_ms` milliseconds.
    """

    at_ms: int
    strategy: str
    generators: Mapping[str, int]
    pool_size: int
    filter: Mapping[str, Any]
    ranking: Mapping[str, Any]
    distractor: DistractorReport
    session: SessionReport | None
    model_revision: int | None
    model_age_ms: int | None
    newest_event_ms: int | None
    catalogue_version: str
    config_version: str
    collective: CollectiveReport | None
    ranker: str | UnsetType = UNSET
    """The version of what was learned and ranked."""
    experiment: ExperimentReport | UnsetType = UNSET
    exploration: ExplorationReport | UnsetType = UNSET


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer, in the JSON shape that apps rely on.

    `request_id` is a digest of all that the answer is made from: two answers of
    one id are the same, byte for byte.
    """

    request_id: str
    user_id: str
    strategy: str
    degraded: tuple[Away, ...]
    """What was away and is not in this answer; empty when all is well."""
    items: tuple[RecommendedItem, ...]
    diagnostics: Diagnostics

    def etag(self) -> str:
        """The same for two answers that differ in nothing but their time."""
        found = self.diagnostics
        crowd = "" if found.collective is None else found.collective.version
        made_of = (found.model_revision, found.catalogue_version, found.config_version, crowd)
        marks = (found.ranker, found.experiment, found.exploration)
        there = [mark for mark in marks if mark is not UNSET]
        said = (self.strategy, self.degraded, *made_of, *there)
        digest = hashlib.blake2b(_encoder.encode((said, *self._shown())), digest_size=12)
        return f'W/"{digest.hexdigest()}"'

    def _shown(self) -> Iterator[Any]:
        """The items, and of their explanations what does not follow from all the rest."""
        told = [one.explanation for one in self.items if one.explanation is not None]
        if not told:
            yield self.items
            return
        yield [msgspec.structs.replace(one, explanation=None) for one in self.items]
        yield [(one.reason, one.mmr) for one in told]


_encoder = msgspec.json.Encoder()
