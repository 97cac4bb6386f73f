"""Makes a logged answer again, and says whether it is the same to the last byte."""

import msgspec

from core.answer_log.entry import AnswerEntry, DrawnFrom
from core.answer_log.served import answer_digest
from core.answering import answer_of, list_for_signals
from core.candidates import gather_pool
from core.collective.collective import Collective
from core.errors import RejectedError
from core.policies.policy import Policy
from core.ports import ContentStore
from core.ranking.context import AnswerContext, Exploration
from core.recommendation import Recommendation, RecommendRequest
from core.signals import UserSignals, decode_signals


class ReplayedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer made again. `user_id` is empty in it: the log knows no visitor by it.

    `differences` names the fields that are known to differ from what was logged.
    """

    request_id: str
    identical: bool
    differences: tuple[str, ...]
    logged: AnswerEntry
    answer: Recommendation


class ReplaySources(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer was made from."""

    contents: ContentStore
    collective: Collective | None
    policy: Policy


async def replay_answer(entry: AnswerEntry, sources: ReplaySources) -> ReplayedAnswer:
    """Make it again. Raises: RejectedError for an entry that is not readable."""
    request, signals = _asked(entry)
    context = _context(entry, request, sources.policy)
    model = signals or UserSignals(user_id="")
    pool = await gather_pool(model, request, sources.contents, context, sources.collective)
    listing = list_for_signals(signals, pool, request, context)
    answer = answer_of(listing, signals, context)
    return ReplayedAnswer(
        request_id=entry.request_id,
        identical=answer_digest(answer) == entry.digest,
        differences=tuple(_differences(entry, answer)),
        logged=entry,
        answer=answer,
    )


def _asked(entry: AnswerEntry) -> tuple[RecommendRequest, UserSignals | None]:
    try:
        request = _requests.decode(entry.request)
        signals = decode_signals(entry.model) if entry.model else None
    except msgspec.DecodeError as exc:
        raise RejectedError(f"the entry of {entry.request_id} cannot be read: {exc}") from exc
    return request, signals


def _context(entry: AnswerEntry, request: RecommendRequest, policy: Policy) -> AnswerContext:
    exploration = _exploration(entry.drawn_from)
    return AnswerContext(
        request_id=entry.request_id,
        now_ms=entry.at_ms,
        seed=request.seed or 0,
        config=policy.drawn(exploration),
        config_version=entry.config_version,
        degraded=entry.degraded,  # type: ignore[arg-type]
        collective_version=entry.collective_version,
        ranker_version=entry.ranker_version,
        experiment=entry.experiment,
        variant=entry.variant,
        exploration=exploration,
        ranker=policy.ranker,
    )


def _exploration(drawn: DrawnFrom | None) -> Exploration | None:
    if drawn is None:
        return None
    return Exploration(
        kind=drawn.kind,  # type: ignore[arg-type]
        seed=drawn.seed,
        temperature=drawn.temperature,
    )


def _differences(entry: AnswerEntry, answer: Recommendation) -> list[str]:
    """What can be told from the entry; the digest is of all the rest, too."""
    logged = {
        "strategy": entry.strategy,
        "items": [one.content_id for one in entry.slate],
        "scores": [one.score for one in entry.slate],
        "kinds": [one.kind for one in entry.slate],
    }
    made = {
        "strategy": answer.strategy,
        "items": [one.content_id for one in answer.items],
        "scores": [round(one.score * 1_000_000) for one in answer.items],
        "kinds": [one.kind for one in answer.items],
    }
    return [name for name, value in logged.items() if made[name] != value]


_requests = msgspec.json.Decoder(RecommendRequest)
