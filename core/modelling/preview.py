"""A model that somebody wrote by hand, made of the same parts as those of real visitors."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from core.config import SignalsConfig
from core.content import Content
from core.modelling.build import recency_of, stored_strengths, taste_of
from core.modelling.interests import tag_weights
from core.signals import SignalsWindow, UserSignals, comparable

PREVIEW_USER = "preview"


class WrittenModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a curator says of a made-up visitor.

    Shape: `tags` and `avoid_tags` from `facet:label` to a weight in [0, 1];
        `liked` and `disliked` from content id to a strength in (0, 1]; `seen`
        the ids, latest first; `last_viewed` None takes the first of `seen`.
    """

    tags: Mapping[str, float] = {}
    avoid_tags: Mapping[str, float] = {}
    liked: Mapping[str, float] = {}
    disliked: Mapping[str, float] = {}
    seen: Sequence[str] = ()
    last_viewed: str | None = None

    @property
    def latest(self) -> str | None:
        """The item that was viewed last, if any is said to be."""
        return self.last_viewed or next(iter(self.seen), None)

    def viewed(self) -> list[str]:
        """Everything that has been viewed, latest first: who likes an item has seen it."""
        named = (self.latest, *self.seen, *sorted(self.liked), *sorted(self.disliked))
        return list(dict.fromkeys(item for item in named if item is not None))


def preview_signals(
    written: WrittenModel,
    contents: Mapping[str, Content],
    config: SignalsConfig,
    *,
    vector_space: str,
    now_ms: int,
) -> UserSignals:
    """The model of somebody who is so. `contents` holds the items that it names.

    Given tags weigh as a visitor's own answers do. What was viewed before the
    latest item lies a millisecond apart each: only the order counts.
    """
    disliked = {item: -strength for item, strength in written.disliked.items()}
    latest = [] if written.latest is None else [written.latest]
    model = UserSignals(
        user_id=PREVIEW_USER,
        built_at_ms=now_ms,
        positives=stored_strengths(written.liked),
        negatives=stored_strengths(disliked),
        viewed={item: now_ms - ago for ago, item in enumerate(written.viewed())},
        tag_affinity=tag_weights(written.liked, contents, written.tags, config),
        tag_aversion=tag_weights(disliked, contents, written.avoid_tags, config),
        taste_vector=taste_of(written.liked, contents),
        recency_vector=recency_of(latest, contents),
        vector_space=vector_space,
    )
    # An answer's id stands for what it is made from, and tells of tags that no item has.
    made_from = comparable(model) + msgspec.json.encode(written, order="deterministic")
    digest = hashlib.blake2b(made_from, digest_size=16).hexdigest()
    return msgspec.structs.replace(model, window=SignalsWindow(digest=digest))
