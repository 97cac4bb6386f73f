"""What a ranking chooses from: the candidates, the visitor's likes, the seen items."""

from collections.abc import Mapping

import msgspec

from core.content import Content


class Candidate(msgspec.Struct, frozen=True):
    """An item and the generators that brought it, in the order they did."""

    content: Content
    generated_by: tuple[str, ...]


class CandidatePool(msgspec.Struct, frozen=True, kw_only=True):
    """All that one answer is made from. Everything lies inside the request's scope.

    Shape: `candidates` unseen and unique, in sample order for a cold visitor;
        `likes` from the id of a liked item to its content, `seen` oldest first,
        `distractors` what the distractor may be drawn from.
    """

    candidates: tuple[Candidate, ...]
    likes: Mapping[str, Content] = {}
    seen: tuple[Content, ...] = ()
    distractors: tuple[Content, ...] = ()
    catalogue_version: str = ""
