"""`Explanation`: how one item came to its rank, to the last digit and in a sentence."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class ScorerPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one scorer said: `value` in [0, 1] times `weight` is the contribution.

    `weight` is null where learned trees made the contribution of all values together.
    Units: `contribution` in whole millionths; those of an item add up to its score.
    """

    name: str
    value: float
    weight: float | None
    contribution: float


class MmrStep(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What put a candidate there: of those left it had the greatest `relevance - penalty`.

    `closest` is the item before it that it is most like, and that the penalty
    comes from. It may be one that a rule kept out of the list.
    """

    relevance: float
    penalty: float
    closest: str | None = None


class Pinned(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="pinned"):
    """Curators gave the item that rank."""

    rank: int


class Together(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="together"):
    """It is shown side by side with the others of a group; `leader` brought them here."""

    group: str
    leader: str


class Apart(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="apart"):
    """It holds a name of which a list has one item at most."""

    name: str


class FacetCap(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="facet_cap"):
    """So many items of the list have the label, of at most so many."""

    label: str
    listed: int
    most: int


class Distracting(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="distractor"):
    """It was drawn from what the visitor would not choose."""

    strategy: str


class Revisit(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="revisit"):
    """It was seen before and fills the list up. Units: Unix milliseconds."""

    viewed_ms: int


class Explored(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="explored"):
    """The order of this answer was drawn, so that it can be learned from.

    `gumbel` drew it from the scores that are shown, which MMR saw with noise;
    `thompson` drew the weights, which are shown.
    """

    kind: Literal["gumbel", "thompson"]


class Tried(msgspec.Struct, frozen=True, kw_only=True, tag_field="rule", tag="tried"):
    """It is new and was hardly shown: the list tries it at a rank of its own."""


Rule = Pinned | Together | Apart | FacetCap | Distracting | Revisit | Explored | Tried


class LikedItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The liked item that the affinity comes from: `scaled * (cosine + 1) / 2` is its value.

    `strength` is how much it is liked, `scaled` the same as a share of the most liked one's.
    """

    content_id: str
    title: str
    strength: float
    scaled: float
    cosine: float


class NamedItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item that this one was compared with."""

    content_id: str
    title: str


class TagShare(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tag that both sides have, and its share of the scorer's contribution.

    `wanted` is the weight of the tag on the side that items are compared with,
    `owned` that of the item. Units: `contribution` in whole millionths; those of
    a scorer's tags add up to the scorer's.
    """

    tag: str
    wanted: float
    owned: float
    contribution: float


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What the scorers looked at.

    `tags` by the scorer that compares them, `others` by the scorer the item read
    before that all visitors together led here from. `unopened_showings` is how often it
    was shown and never opened, decayed. Units: metres.
    """

    liked: LikedItem | None = None
    last_viewed: NamedItem | None = None
    session: NamedItem | None = None
    tags: Mapping[str, tuple[TagShare, ...]] = {}
    others: Mapping[str, NamedItem] = {}
    distance_m: float | None = None
    unopened_showings: float | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Why an item is where it is. `reason` names the strongest evidence, for a visitor to read.

    `mmr` is missing for what was not picked for its score: pinned items,
    distractors, revisits, the rest of a group; and behind the pool of MMR.
    """

    reason: str
    scorers: tuple[ScorerPart, ...]
    mmr: MmrStep | None = None
    rules: tuple[Rule, ...] = ()
    evidence: Evidence
