"""Every tunable of the model and the ranking, with its default, in one frozen tree.

Each can be set from the environment under the name of its path, for example
`ENGAGEMENT_HALF_LIFE_DAYS` or `RANKING_WEIGHTS_GEO` (`core.environment`).
Where a setting has the value `classic`, that is the plain textbook formula;
the default beside it mends a case in which the formula misleads.
"""

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Signed = Annotated[float, Meta(ge=-1.0, le=1.0)]
# The upper bounds only keep infinity out.
Positive = Annotated[float, Meta(gt=0.0, le=1e9)]
NotNegative = Annotated[float, Meta(ge=0.0, le=1e9)]
Count = Annotated[int, Meta(ge=1)]
HalfLifeDays = Annotated[float, Meta(gt=0.0, le=365.0)]
FacetCap = Annotated[str, Meta(pattern="^[^=]+=[1-9][0-9]*$")]
Port = Annotated[int, Meta(ge=0, le=65535)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; subclasses repeat the options they need."""


class CompletionScores(Section, frozen=True, kw_only=True):
    """How finished a view was, by the way it ended."""

    next_button: Signed = 1.0
    link: Signed = 0.6
    close_button: Signed = 0.0
    abandon: Signed = -0.5


class EngagementConfig(Section, frozen=True, kw_only=True):
    """How strongly a visitor engaged with one item, in [-1, 1]."""

    dwell_weight: Share = 0.4
    completion_weight: Share = 0.3
    revisit_weight: Share = 0.2
    survey_weight: Share = 0.1
    completion: CompletionScores = CompletionScores()
    words_per_second: Positive = 4.2
    image_seconds: NotNegative = 1.3
    nominal_reading_seconds: Positive = 30.0
    """Reading time of an item whose words are unknown: about 126 words."""
    pair_cap_seconds: Positive = 1800.0
    """A start and an end farther apart than this are two visits, of unknown dwell."""
    positive_from: Signed = 0.30
    negative_to: Signed = -0.05
    half_life_days: Positive = 14.0
    ratings: Literal["decide", "classic"] = "decide"
    """`decide`: a rating of 4 or more is a like, of 2 or less a dislike."""
    completions: Literal["read", "classic"] = "read"
    """`read`: completion counts only where something was read."""
    completion_from_dwell_ratio: Share = 0.1
    revisits: Literal["after_first", "classic"] = "after_first"
    """`after_first`: the first view earns nothing for being a view."""

    def __post_init__(self) -> None:
        """Like and dislike must leave room between them. Raises: ValueError."""
        if self.negative_to >= self.positive_from:
            raise ValueError("ENGAGEMENT_NEGATIVE_TO must be below ENGAGEMENT_POSITIVE_FROM")


class SignalsConfig(Section, frozen=True, kw_only=True):
    """How events become a model of the visitor."""

    window_days: Positive = 30.0
    soft_negative: Share = 0.30
    """Strength of an item that was shown and never opened, before decay."""
    aversion: Literal["explicit", "classic"] = "explicit"
    """`classic` lets unopened impressions count toward the aversion to tags."""
    scale: Literal["evidence", "classic"] = "evidence"
    """`evidence` divides by max(maximum, 1): a weak liking stays weak."""
    top_tags: Count = 40
    top_impressions: Count = 50


class ScorerWeights(Section, frozen=True, kw_only=True):
    """Weight of each scorer in the fused score."""

    semantic: Signed = 0.30
    affinity: Signed = 0.25
    tag: Signed = 0.25
    recency: Signed = 0.10
    aversion: Signed = -0.25
    geo: Signed = 0.20
    fatigue: Signed = -0.15
    session: Signed = 0.60
    """Closeness to the item that the request says was just viewed; `recency` is left out then."""
    session_tag: Signed = 0.30
    session_related: Signed = 0.30
    covisit: Signed = 0.80
    """What others liked who liked the same, as far as enough did."""
    coview: Signed = 0.80
    """What others read who read the same."""
    next: Signed = 0.30
    """What others liked soon after what was read last."""
    popularity: Signed = 0.80
    """What most like; it makes way as the others get certain."""
    common: Signed = -0.30
    """What most like is no news amid a visit, when the others are certain."""
    quality: Signed = 0.0
    """How many of its readers like an item."""
    novelty: Signed = 0.80
    """That an item is new and was hardly shown yet; a list tries one of them."""


class DistractorConfig(Section, frozen=True, kw_only=True):
    """A deliberately off-profile item at rank 3 or 4."""

    strategy: Literal["max_dissimilar", "unexplored_theme", "random"] = "max_dissimilar"
    probability: Share = 0.0
    """How often an answer carries one where the request does not say."""
    farthest: Count = 50
    """`max_dissimilar` draws from this many: the single farthest is one item for most."""
    theme_facet: str = "theme_what"


class CandidateConfig(Section, frozen=True, kw_only=True):
    """How many candidates each generator may bring."""

    vector: Count = 200
    tags: Count = 120
    affinity_tags: Count = 20
    geo: Count = 100
    geo_radius_m: Positive = 5000.0
    """How far "near the visitor" reaches where the request sets no radius."""
    sample: Count = 100
    """A longer list than this draws as many as it has items, which may change its order."""
    related: Count = 50
    session: Count = 100
    """Of each of what is close to, tagged like and related to the item just viewed."""
    popular: Count = 30
    likes: Count = 50
    """Liked items that the affinity scorer compares with, the strongest first."""
    covisit: Count = 200
    liked: Count = 50
    """The most liked by everybody."""
    fresh: Annotated[int, Meta(ge=0)] = 1
    """New items that one list tries."""
    fresh_rank: Count = 10
    """Where they are tried at the latest; a shorter list has them by their score only."""


class CovisitConfig(Section, frozen=True, kw_only=True):
    """How the likes of one visitor are looked up in the statistics."""

    readings: Count = 50
    """The latest likes and the latest views that are looked up."""
    half_life_readings: Positive = 5.0
    """After so many later ones a like counts half."""
    floor: Share = 0.1
    """The least that a like counts."""
    visit_half_life_readings: Positive = 3.0
    """After so many later ones a view counts half: what is read now says most."""
    visit_s: Positive = 1800.0
    """Views speak within a visit: while the latest of them is not older."""
    near_half_life_readings: Positive = 0.5
    """The same for the nearest of views: the last one or two say all."""
    ease_share: Share = 0.5
    """The rest is the share of the nearest by co-occurrence."""
    evidence: Positive = 1500.0
    """So many co-occurrences behind what the visitor read: it is trusted half."""
    new_impressions: Positive = 20.0
    """After so many impressions a new item's bonus is half."""


class RankingConfig(Section, frozen=True, kw_only=True):
    """How candidates become an ordered answer."""

    weights: ScorerWeights = ScorerWeights()
    geo_scale_m: Positive = 300.0
    fatigue_scale: Positive = 3.0
    relevance: Share = 0.7
    """MMR's lambda; 1 - lambda weighs the similarity to what was picked."""
    mmr: Literal["rescaled", "classic"] = "rescaled"
    """`rescaled` spreads the fused scores of the pool over [0, 1] before MMR."""
    mmr_pool: Count = 50
    facet_caps: tuple[FacetCap, ...] = ()
    """Most items of one label in a list, by facet: `theme_what=3`."""
    covisit: CovisitConfig = CovisitConfig()
    candidates: CandidateConfig = CandidateConfig()
    distractor: DistractorConfig = DistractorConfig()


class ExplorationConfig(Section, frozen=True, kw_only=True):
    """Which answers are drawn instead of ranked, so that others can be learned from them."""

    share: Share = 0.0
    """How many of all answers; 0.1 is plenty."""
    kind: Literal["gumbel", "thompson"] = "gumbel"
    """Noise on the scores, or weights drawn from what a training left uncertain."""
    temperature: Annotated[float, Meta(gt=0.0, le=10.0)] = 0.02
    """Of the noise, in units of the score: the ten best differ by some .025."""


class CollectiveConfig(Section, frozen=True, kw_only=True):
    """How the likes of all visitors become statistics."""

    readings_per_visitor: Count = 200
    """The latest count: what one visitor says of pairs of items grows with the square."""
    neighbours: Count = 100
    """How many are kept of each item, of each sort of list."""
    ease_items: Count = 10_000
    """The most liked that EASE is solved for: some 40 s and a gigabyte for so many."""
    ease_lambda: Positive = 500.0
    near_shrink: NotNegative = 10.0
    """So many co-occurrences count half: few of them are chance."""
    next_within_s: Positive = 1800.0
    """What is liked later than so long after an item was not read next."""
    next_decay: Share = 0.9
    """How much each reading in between leaves of a transition."""
    quality_evidence: Positive = 10.0
    """An item of so many readers is liked half as its own say, half as items are in the mean."""
    half_life_days: HalfLifeDays = 30.0
    """After which a like counts half for popularity."""
    popularity_evidence: Positive = 300.0
    """So many decayed likes in total make popularity half as good as it gets."""
    new_days: Positive = 30.0
    """How long an item that has come into the catalogue is new."""
    new_enough: Count = 25
    """After so many impressions it is not."""


class PopularityConfig(Section, frozen=True, kw_only=True):
    """How what is read most is counted. No part of any model or recommendation."""

    every_s: Count = 300
    """How often views are counted, as far as that takes at most a tenth of the time."""
    half_life_days: HalfLifeDays = 7.0
    """After which a view counts half, where a request does not say."""


class ModelConfig(Section, frozen=True, kw_only=True):
    """The whole mathematics of the service."""

    engagement: EngagementConfig = EngagementConfig()
    signals: SignalsConfig = SignalsConfig()
    ranking: RankingConfig = RankingConfig()

    @property
    def window_ms(self) -> int:
        """How far back events count. Units: milliseconds."""
        return round(self.signals.window_days * 86_400_000)


def fingerprint(*parts: msgspec.Struct) -> str:
    """Twelve hex digits that change with any setting."""
    digest = hashlib.blake2b(digest_size=6)
    for part in parts:
        digest.update(msgspec.json.encode(part, order="deterministic"))
    return digest.hexdigest()
