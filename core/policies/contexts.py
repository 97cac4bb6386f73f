"""From who asks to the `AnswerContext`: time, seed, policy, and one id for all that decides."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from core.policies.experiments import Choice, Variant
from core.policies.policy import Policy
from core.ranking.context import AnswerContext
from core.ranking.draw import seed_of
from core.recommendation import Away, RecommendRequest
from core.signals import UserSignals

NO_PERSON = ""
_TIME_BITS = 2**48 - 1


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is made in. Units: `now_ms` Unix milliseconds, as the request may set it."""

    now_ms: int
    contents_version: str
    collective_version: str
    degraded: tuple[Away, ...] = ()


def person_of(
    request: RecommendRequest, signals: UserSignals | None, degraded: tuple[Away, ...]
) -> str:
    """Who is asked for, by the id that links lead to; nobody while that is not known."""
    if "models" in degraded:
        return NO_PERSON
    return request.user_id if signals is None else signals.user_id


def context_of(
    request: RecommendRequest,
    signals: UserSignals | None,
    choice: Choice,
    given: Circumstances,
    person: str,
) -> AnswerContext:
    """The context of one answer. What is for nobody in particular is never explored."""
    at_ms = given.now_ms if request.at_ms is None else request.at_ms
    seed = request.seed
    if seed is None:
        revision = signals.revision if signals else 0
        seed = seed_of(request.user_id, str(revision), given.contents_version)
    settled = msgspec.structs.replace(request, at_ms=at_ms, seed=seed)
    model = None
    if signals is not None:
        model = (signals.revision, signals.built_at_ms, signals.window.digest)
    policy = choice.policy
    exploration = policy.explored(seed) if person else None
    marks = {
        "ranker": policy.ranker_version,
        "experiment": choice.experiment,
        "variant": choice.variant,
        "exploration": exploration,
    }
    versions = (given.contents_version, policy.config_version, given.collective_version)
    decided_by = (settled, model, versions, given.degraded, *_there(marks))
    return AnswerContext(
        request_id=_request_id(at_ms, decided_by),
        now_ms=at_ms,
        seed=seed,
        config=policy.drawn(exploration),
        config_version=policy.config_version,
        degraded=given.degraded,
        collective_version=given.collective_version,
        ranker_version=policy.ranker_version,
        experiment=choice.experiment,
        variant=choice.variant,
        exploration=exploration,
        ranker=policy.ranker,
    )


def settled(request: RecommendRequest, context: AnswerContext) -> RecommendRequest:
    """The request with the time and the seed that it was answered with."""
    return msgspec.structs.replace(request, at_ms=context.now_ms, seed=context.seed)


def shadow_context(context: AnswerContext, shadow: Variant) -> AnswerContext:
    """The same answer made by another variant; nobody sees it, so it is never explored."""
    policy: Policy = shadow.policy
    return msgspec.structs.replace(
        context,
        config=policy.config,
        config_version=policy.config_version,
        ranker_version=policy.ranker_version,
        variant=shadow.name,
        exploration=None,
        ranker=policy.ranker,
    )


def _there(marks: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Nothing where there is none of them: then ids are those of an engine without learning."""
    found = {name: mark for name, mark in marks.items() if mark}
    return [found] if found else []


def _request_id(at_ms: int, decided_by: Any) -> str:
    """A digest behind the time, so that ids of one day stand together.

    Shape: 32 hex digits, of which the first twelve are Unix milliseconds.
    """
    digest = hashlib.blake2b(_encoder.encode(decided_by), digest_size=10).hexdigest()
    return f"{at_ms & _TIME_BITS:012x}{digest}"


def time_of_request(request_id: str) -> int | None:
    """The moment that an answer is of, None of an id that is none. Units: Unix milliseconds."""
    try:
        return int(request_id[:12], 16)
    except ValueError:
        return None


_encoder = msgspec.json.Encoder()
