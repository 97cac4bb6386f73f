"""`POST /api/recommend/preview`: what would somebody get who is so?"""

from collections.abc import Iterator, Mapping

import msgspec

from core.config import SignalsConfig
from core.content import ContentFilter
from core.http.operation import Documented, Operation
from core.http.problems import BadParameterError
from core.modelling.preview import WrittenModel, preview_signals
from core.ports import ContentStore
from core.recommendation import Recommendation
from core.recommender import Recommender
from serve_api.endpoint import Answer, Call
from serve_api.endpoints.preview_body import PreviewBody
from serve_api.fields import at_most


class PreviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the written model.

    `unmatched_tags` are on no item that may be shown: misspelt, or not in this
    catalogue. The weights are those that the list was ranked with.
    """

    unmatched_tags: tuple[str, ...]
    tag_affinity: Mapping[str, float]
    tag_aversion: Mapping[str, float]


class Preview(Recommendation, frozen=True, kw_only=True):
    """A recommendation for the model of the request; its user is `preview`."""

    preview: PreviewReport


class PreviewEndpoint:
    """Answers from a model that is in the request, and keeps nothing of it."""

    def __init__(
        self,
        recommender: Recommender,
        contents: ContentStore,
        config: SignalsConfig,
        max_limit: int,
    ) -> None:
        """`max_limit` bounds the items of one answer."""
        self._recommender = recommender
        self._contents = contents
        self._config = config
        self.operation = Operation(
            name="preview_recommendations",
            path="/api/recommend/preview",
            method="POST",
            summary="What would somebody get who likes this?",
            description="The list for a model that is written by hand instead of learnt: tags, "
            "liked, disliked and seen items. It is ranked as a visitor's is. Nothing is stored.",
            group="Recommendations",
            access="recommend",
            body=at_most(PreviewBody, "limit", max_limit),
            answers={200: Documented(description="The list.", body=Preview)},
        )

    async def answer(self, call: Call[None, PreviewBody]) -> Answer:
        """The list. Raises: BadParameterError naming every item that there is not."""
        request, written = call.body.request(), call.body.written()
        catalogue = self._contents.edition()
        contents = await catalogue.get(written.viewed())
        _require_known(written, contents)
        signals = preview_signals(
            written,
            contents,
            self._config,
            vector_space=catalogue.vector_space,
            now_ms=call.now_ms if request.at_ms is None else request.at_ms,
        )
        answer = await self._recommender.rank(signals, request, now_ms=call.now_ms, is_person=False)
        report = PreviewReport(
            unmatched_tags=await _unmatched(written, catalogue),
            tag_affinity=signals.tag_affinity,
            tag_aversion=signals.tag_aversion,
        )
        own = {name: getattr(answer, name) for name in Recommendation.__struct_fields__}
        return Answer(content=Preview(**own, preview=report))


async def _unmatched(written: WrittenModel, catalogue: ContentStore) -> tuple[str, ...]:
    return tuple(
        [
            tag
            for tag in sorted({**written.tags, **written.avoid_tags})
            if not await catalogue.search_tags({tag: 1.0}, limit=1, where=ContentFilter())
        ]
    )


def _require_known(written: WrittenModel, contents: Mapping[str, object]) -> None:
    """Raises: BadParameterError naming all items that there are not, and the fields of them."""
    unknown = [(field, item) for field, item in _named(written) if item not in contents]
    if unknown:
        fields = ", ".join(dict.fromkeys(field for field, _ in unknown))
        items = list(dict.fromkeys(item for _, item in unknown))
        raise BadParameterError(fields, items, "ids of items in the catalogue")


def _named(written: WrittenModel) -> Iterator[tuple[str, str]]:
    for field in ("liked", "disliked", "seen"):
        yield from ((field, item) for item in getattr(written, field))
    if written.last_viewed is not None:
        yield "last_viewed", written.last_viewed
