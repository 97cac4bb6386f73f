"""Gathers the candidates of one answer from the catalogue's generators."""

from collections.abc import Mapping

import msgspec

from core.collective.collective import Collective
from core.collective.searching import search_crowd
from core.columns import NOTHING, ContentRows
from core.config import CandidateConfig
from core.content import ContentFilter
from core.ports import ContentStore
from core.ranking.context import AnswerContext
from core.ranking.distractor import wanted
from core.ranking.pool import CandidatePool, gather
from core.recommendation import RecommendRequest
from core.signals import UserSignals
from core.vectors import to_grid, unpack

_FARTHEST_SHARE = 4
_FARTHEST_LEAST = 10
"""A distractor comes from the farthest quarter, or of a small catalogue the ten farthest."""
_LAST_VIEWED = 5
"""The item that the model's last direction comes from is the newest that was in the catalogue."""
_ROOM_FOR_RULES = 2
"""Seen items are at hand from fewer candidates than twice the limit on: rules may refuse half."""


async def gather_pool(
    model: UserSignals,
    request: RecommendRequest,
    contents: ContentStore,
    context: AnswerContext,
    collective: Collective | None = None,
) -> CandidatePool:
    """Everything that the visitor's list may be made of, inside the request's scope.

    `collective` is what all visitors together like.

    Raises: RetryableError when the store is away.
    """
    scope = msgspec.structs.replace(request.scope(), now_ms=context.now_ms)
    unseen = msgspec.structs.replace(scope, exclude=scope.exclude.union(model.viewed))
    limits, seed = context.config.candidates, context.seed
    strongest = list(model.positives.items())[: limits.likes]
    # What has faded to nothing, as a model rounds, speaks for nothing.
    likes = {item: strength for item, strength in strongest if strength > 0}
    session = NOTHING if request.session is None else await contents.rows([request.session])
    session = _shown(session, context.now_ms)
    found = await _search(model, likes, request, contents, limits, unseen, seed)
    found += await _search_like(session, contents, limits, unseen)
    covisits, fresh = None, NOTHING
    if collective is not None and not collective.is_empty:
        viewed_now = request.session if len(session) else None
        covisits = collective.covisits(
            model, viewed_now, context.config.covisit, now_ms=context.now_ms
        )
        crowd = await search_crowd(covisits, collective, contents, context, unseen)
        fresh = crowd[-1][1]
        found += crowd
    pinned = await contents.pinned(where=unseen)
    if len(pinned):
        found.append(("pinned", pinned))
    candidates = gather(found)
    seen = NOTHING
    if model.viewed and len(candidates) < _ROOM_FOR_RULES * request.limit:
        seen = await _seen(model, contents, scope)
    together = await _groups(contents, candidates.items, seen)
    if together:
        found += [("together", _inside(members, unseen)) for members in together.values()]
        candidates = gather(found)
    return CandidatePool(
        candidates=candidates,
        likes=await contents.rows(list(likes)),
        unopened=await contents.rows(list(model.unopened)),
        seen=seen,
        session=session,
        last_viewed=await _last_viewed(model, contents) if request.explain else NOTHING,
        read=await _read(model, request, contents, context) if covisits else NOTHING,
        distractors=await _distractors(model, request, contents, context, unseen, len(candidates)),
        pinned=pinned,
        together=together,
        fresh=fresh,
        collective=collective,
        covisits=covisits,
        catalogue_version=contents.version,
        now_ms=context.now_ms,
    )


async def _search(
    model: UserSignals,
    likes: Mapping[str, float],
    request: RecommendRequest,
    contents: ContentStore,
    limits: CandidateConfig,
    where: ContentFilter,
    seed: int,
) -> list[tuple[str, ContentRows]]:
    """Ask every generator that has something to go on."""
    found: list[tuple[str, ContentRows]] = []
    if model.taste_vector:
        taste = to_grid(unpack(model.taste_vector))
        near = await contents.search_vector(taste, limit=limits.vector, where=where)
        found.append(("taste", near))
    if model.tag_affinity:
        top = dict(list(model.tag_affinity.items())[: limits.affinity_tags])
        found.append(("tags", await contents.search_tags(top, limit=limits.tags, where=where)))
    if request.near is not None:
        around = await contents.search_geo(
            request.near,
            radius_m=request.radius_m or limits.geo_radius_m,
            limit=limits.geo,
            where=where,
        )
        found.append(("geo", around))
    if likes:
        related = await contents.search_related(likes, limit=limits.related, where=where)
        found.append(("related", related))
    wide = max(limits.sample, request.limit)
    found.append(("sample", await contents.sample(limit=wide, seed=seed, where=where)))
    found.append(("popular", await contents.search_popular(limit=limits.popular, where=where)))
    return found


async def _search_like(
    session: ContentRows, contents: ContentStore, limits: CandidateConfig, where: ContentFilter
) -> list[tuple[str, ContentRows]]:
    """More like the item that was just viewed: by its text, its tags and its relations."""
    if not len(session):
        return []
    [viewed], limit = session, limits.session
    found = [
        ("session", await contents.search_vector(viewed.vector, limit=limit, where=where)),
        ("session_tags", await contents.search_tags(viewed.tags, limit=limit, where=where)),
    ]
    if viewed.related:
        related = await contents.search_related({viewed.id: 1.0}, limit=limit, where=where)
        found.append(("session_related", related))
    return found


async def _last_viewed(model: UserSignals, contents: ContentStore) -> ContentRows:
    if not model.recency_vector:
        return NOTHING
    return await contents.rows(list(model.viewed)[:_LAST_VIEWED])


async def _read(
    model: UserSignals, request: RecommendRequest, contents: ContentStore, context: AnswerContext
) -> ContentRows:
    """What was looked up in the statistics of all visitors, to be named."""
    if not request.explain:
        return NOTHING
    viewed_now = [] if request.session is None else [request.session]
    return await contents.rows([*viewed_now, *model.viewed][: context.config.covisit.readings + 1])


def _shown(rows: ContentRows, now_ms: int) -> ContentRows:
    """Of an item that is not shown an answer tells nothing, not even that others are like it."""
    return rows.take([at for at, one in enumerate(rows) if one.rules.shows_at(now_ms)])


async def _groups(contents: ContentStore, *found: ContentRows) -> Mapping[str, ContentRows]:
    """The groups that some of the items are shown together with, in the order of their names."""
    ruled = (one for rows in found for one in rows.take(rows.columns.ruled[rows.rows].nonzero()[0]))
    names = sorted({one.rules.together for one in ruled if one.rules.together is not None})
    return await contents.together(names) if names else {}


def _inside(members: ContentRows, where: ContentFilter) -> ContentRows:
    return members.take([index for index, one in enumerate(members) if where.allows(one)])


async def _seen(model: UserSignals, contents: ContentStore, where: ContentFilter) -> ContentRows:
    oldest_first = sorted(model.viewed, key=lambda item: (model.viewed[item], item))
    return _inside(await contents.rows(oldest_first), where)


async def _distractors(
    model: UserSignals,
    request: RecommendRequest,
    contents: ContentStore,
    context: AnswerContext,
    where: ContentFilter,
    unseen: int,
) -> ContentRows:
    config = context.config.distractor
    if not wanted(request, config, context.seed):
        return NOTHING
    if config.strategy == "max_dissimilar" and model.taste_vector:
        away = -to_grid(unpack(model.taste_vector))
        # Of a small catalogue the fifty farthest would be nearly everything.
        limit = min(config.farthest, max(_FARTHEST_LEAST, unseen // _FARTHEST_SHARE))
        return await contents.search_vector(away, limit=limit, where=where)
    wide = context.config.candidates.vector
    return await contents.sample(limit=wide, seed=context.seed + 1, where=where)
