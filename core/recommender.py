"""`Recommender`: gathers a visitor's candidates through the ports and has them ranked."""

from collections.abc import Iterable, Sequence

import msgspec

from core.config import RankingConfig
from core.content import Content, ContentFilter
from core.ports import ContentStore, UserModelStore
from core.ranking.distractor import wanted
from core.ranking.draw import seed_of
from core.ranking.pool import Candidate, CandidatePool
from core.ranking.recommend import AnswerContext, recommend_for_signals
from core.recommendation import Recommendation, RecommendRequest
from core.signals import UserSignals
from core.vectors import to_grid, unpack

_FARTHEST_SHARE = 4
_FARTHEST_LEAST = 10
"""A distractor comes from the farthest quarter, or of a small catalogue the ten farthest."""


class Recommender:
    """Answers "what next?" from the materialized model; nothing is rebuilt here."""

    def __init__(
        self,
        models: UserModelStore,
        contents: ContentStore,
        config: RankingConfig,
        config_version: str,
    ) -> None:
        """Keep the ports and the ranking's settings."""
        self._models = models
        self._contents = contents
        self._config = config
        self._config_version = config_version

    async def recommend(
        self, request: RecommendRequest, *, request_id: str, now_ms: int
    ) -> Recommendation:
        """The answer for one request. A stranger gets a full, diverse list.

        Raises: RetryableError when a store is away.
        """
        signals = await self._models.get_signals(request.user_id)
        if signals is not None:
            signals = signals.in_space(self._contents.vector_space)
        revision = signals.revision if signals else 0
        context = AnswerContext(
            request_id=request_id,
            now_ms=now_ms,
            seed=seed_of(request.user_id, str(revision), self._contents.version),
            config=self._config,
            config_version=self._config_version,
        )
        pool = await self._pool(signals, request, context.seed)
        return recommend_for_signals(signals, pool, request, context)

    async def _pool(
        self, signals: UserSignals | None, request: RecommendRequest, seed: int
    ) -> CandidatePool:
        model = signals or UserSignals(user_id=request.user_id)
        scope = msgspec.structs.replace(request.scope(), exclude=frozenset(model.viewed))
        likes = list(model.positives)[: self._config.candidates.likes]
        candidates = await self._candidates(model, request, scope, seed)
        distractors: Sequence[Content] = ()
        if wanted(request, self._config.distractor, seed):
            distractors = await self._distractors(model, scope, seed, unseen=len(candidates))
        return CandidatePool(
            candidates=candidates,
            likes=await self._contents.get(likes),
            seen=await self._seen(model, request, missing=request.limit - len(candidates)),
            distractors=tuple(distractors),
            catalogue_version=self._contents.version,
        )

    async def _candidates(
        self, model: UserSignals, request: RecommendRequest, scope: ContentFilter, seed: int
    ) -> tuple[Candidate, ...]:
        limits, store = self._config.candidates, self._contents
        found: dict[str, Candidate] = {}
        if model.taste_vector:
            taste = to_grid(unpack(model.taste_vector))
            near = await store.search_vector(taste, limit=limits.vector, where=scope)
            _merge(found, "taste", near)
        if model.tag_affinity:
            top = dict(list(model.tag_affinity.items())[: limits.affinity_tags])
            _merge(found, "tags", await store.search_tags(top, limit=limits.tags, where=scope))
        if request.near is not None:
            radius = request.radius_m or limits.geo_radius_m
            around = await store.search_geo(
                request.near, radius_m=radius, limit=limits.geo, where=scope
            )
            _merge(found, "geo", around)
        wide = max(limits.sample, request.limit)
        _merge(found, "sample", await store.sample(limit=wide, seed=seed, where=scope))
        return tuple(found.values())

    async def _distractors(
        self, model: UserSignals, scope: ContentFilter, seed: int, unseen: int
    ) -> Sequence[Content]:
        config = self._config.distractor
        if config.strategy == "max_dissimilar" and model.taste_vector:
            away = -to_grid(unpack(model.taste_vector))
            # Of a small catalogue the fifty farthest would be nearly everything.
            limit = min(config.farthest, max(_FARTHEST_LEAST, unseen // _FARTHEST_SHARE))
            return await self._contents.search_vector(away, limit=limit, where=scope)
        wide = self._config.candidates.vector
        return await self._contents.sample(limit=wide, seed=seed + 1, where=scope)

    async def _seen(
        self, model: UserSignals, request: RecommendRequest, missing: int
    ) -> tuple[Content, ...]:
        if missing <= 0 or not model.viewed:
            return ()
        oldest_first = sorted(model.viewed, key=lambda item: (model.viewed[item], item))
        contents = await self._contents.get(oldest_first)
        scope = request.scope()
        known = (contents[item] for item in oldest_first if item in contents)
        return tuple(content for content in known if scope.allows(content))


def _merge(found: dict[str, Candidate], generator: str, contents: Iterable[Content]) -> None:
    for content in contents:
        known = found.get(content.id)
        by = (*known.generated_by, generator) if known else (generator,)
        found[content.id] = Candidate(content, by)
