"""`ListParameters`: which list a request is about, whatever it wants to know of it."""

import msgspec

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


class ListParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The visitor, and what restricts and decides their list."""

    user_id: UserId
    limit: Limit = 10
    filter: Tags = ()
    language: Language | None = None
    near: Near | None = None
    radius_m: RadiusM | None = None
    exclude: Exclude = ()
    session: Session | None = None
    distractor: Distractor | None = None
    seed: Seed | None = None
    at: At | None = None

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        tags, without = tags_of(self.filter)
        return RecommendRequest(
            user_id=self.user_id.strip(),
            limit=self.limit,
            tags=tags,
            without=without,
            language=self.language,
            near=point_of(self.near, self.radius_m),
            radius_m=self.radius_m,
            exclude=self.exclude,
            session=self.session,
            distractor=self.distractor,
            seed=self.seed,
            at_ms=milliseconds_of(self.at),
        )
