"""The parameters of a list: what restricts and decides it, whoever it is for."""

from typing import Any

import msgspec

from core.content import ContentFilter
from core.recommendation import RecommendRequest
from serve_api.fields import (
    At,
    Distractor,
    Exclude,
    Language,
    Limit,
    Near,
    RadiusM,
    Seed,
    Session,
    Tags,
    UserId,
    milliseconds_of,
    point_of,
    tags_of,
)


class ScopeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What every item of a list obeys, and the moment that it is made for."""

    limit: Limit = 10
    filter: Tags = ()
    language: Language | None = None
    near: Near | None = None
    radius_m: RadiusM | None = None
    exclude: Exclude = ()
    at: At | None = None

    def restrictions(self) -> dict[str, Any]:
        """The fields of a `RecommendRequest` for these. Raises: BadParameterError."""
        tags, without = tags_of(self.filter)
        return {
            "limit": self.limit,
            "tags": tags,
            "without": without,
            "language": self.language,
            "near": point_of(self.near, self.radius_m),
            "radius_m": self.radius_m,
            "exclude": self.exclude,
            "at_ms": milliseconds_of(self.at),
        }

    def where(self, now_ms: int) -> ContentFilter:
        """The same as a filter at that moment, else at `now_ms`. Raises: BadParameterError."""
        tags, without = tags_of(self.filter)
        at_ms = milliseconds_of(self.at)
        return ContentFilter(
            tags=tags,
            without=without,
            language=self.language,
            near=point_of(self.near, self.radius_m),
            radius_m=self.radius_m,
            exclude=frozenset(self.exclude),
            now_ms=now_ms if at_ms is None else at_ms,
        )


class ListParameters(ScopeParameters, frozen=True, kw_only=True):
    """The visitor, and what decides their list."""

    user_id: UserId
    session: Session | None = None
    distractor: Distractor | None = None
    seed: Seed | None = None

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        return RecommendRequest(
            user_id=self.user_id.strip(),
            session=self.session,
            distractor=self.distractor,
            seed=self.seed,
            **self.restrictions(),
        )
