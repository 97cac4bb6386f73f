"""A model written by hand, as a curator sends it."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta

from core.config import Share
from core.http.problems import BadParameterError
from core.modelling.preview import PREVIEW_USER, WrittenModel
from core.recommendation import RecommendRequest
from serve_api.fields import ContentId, Distractor, Explain, IncludeContent, Seed, Tag
from serve_api.list_parameters import ScopeParameters

_MOST_TAGS = 40
"""As many as a model keeps; each is looked up."""
_MOST_ITEMS = 500
# A model keeps four digits, and a liking of nothing is none.
_Liking = Annotated[float, Meta(ge=0.0001, le=1)]
_WRITTEN_TAGS = (
    Annotated[tuple[Tag, ...], Meta(max_length=_MOST_TAGS)]
    | Annotated[dict[Tag, Share], Meta(max_length=_MOST_TAGS)]
)
_WRITTEN_ITEMS = (
    Annotated[tuple[ContentId, ...], Meta(max_length=_MOST_ITEMS)]
    | Annotated[dict[ContentId, _Liking], Meta(max_length=_MOST_ITEMS)]
)


class PreviewBody(ScopeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model written by hand, and what is asked for with it; all of it may be left out."""

    tags: Annotated[
        _WRITTEN_TAGS,
        Meta(
            description="Tags that are cared for, as if named in a survey: a list, or from tag to "
            "a weight of 0 to 1.",
            examples=[{"theme_what:Art and Music": 1.0}],
        ),
    ] = ()
    avoid_tags: Annotated[
        _WRITTEN_TAGS,
        Meta(
            description="Tags that are not cared for, a list or with weights.",
            examples=[["theme_what:Air War"]],
        ),
    ] = ()
    liked: Annotated[
        _WRITTEN_ITEMS,
        Meta(
            description="Ids of items that are liked: a list, or from id to a strength above 0 up "
            "to 1. They count as seen.",
            examples=[{"brundibar-terezin": 0.9, "dachau-song-gate": 0.5}],
        ),
    ] = ()
    disliked: Annotated[
        _WRITTEN_ITEMS,
        Meta(
            description="Ids of items that are disliked: a list, or from id to how much, above 0 "
            "up to 1. They count as seen.",
            examples=[["hamburg-st-nikolai"]],
        ),
    ] = ()
    seen: Annotated[
        tuple[ContentId, ...],
        Meta(
            max_length=_MOST_ITEMS,
            description="Ids of items that were viewed, latest first, such as `recent_views` of "
            "a model.",
            examples=[["lidice-children"]],
        ),
    ] = ()
    last_viewed: (
        Annotated[
            ContentId, Meta(description="The item viewed last; if unset the first of `seen`.")
        ]
        | None
    ) = None
    seed: Seed | None = None
    distractor: Distractor | None = None
    include_content: IncludeContent = False
    explain: Explain = False

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        return RecommendRequest(
            user_id=PREVIEW_USER,
            seed=self.seed,
            distractor=self.distractor,
            include_content=self.include_content,
            explain=self.explain,
            **self.restrictions(),
        )

    def written(self) -> WrittenModel:
        """The model. Raises: BadParameterError for an item that is both liked and disliked."""
        liked, disliked = _weighed(self.liked), _weighed(self.disliked)
        if both := [item for item in liked if item in disliked]:
            raise BadParameterError("disliked", both, "items that are not liked too")
        return WrittenModel(
            tags=_weighed(self.tags),
            avoid_tags=_weighed(self.avoid_tags),
            liked=liked,
            disliked=disliked,
            seen=self.seen,
            last_viewed=self.last_viewed,
        )


def _weighed(given: Iterable[str] | Mapping[str, float]) -> dict[str, float]:
    """What is only listed counts fully."""
    return dict(given) if isinstance(given, Mapping) else dict.fromkeys(given, 1.0)
