"""Applies an event plan: from a RudderStack event to what the visitor did."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import msgspec

from core.events import AnswerValue, EventKind, InteractionEvent, ViewEnd
from core.normalizing.ids import content_id, text_id
from core.normalizing.reasons import UnusableEventError
from core.plan import EventPlan, PlanEvent, PlanPaths

CALL_TYPES: dict[str, EventKind] = {
    "identify": "identify",
    "alias": "alias",
    "merge": "merge",
    "page": "page",
    "screen": "screen",
    "group": "group",
}
_NEEDS_CONTENT = frozenset({"view_started", "view_ended", "interaction"})
_LINKING = frozenset({"identify", "alias", "merge"})
_MAX_ANSWER_CHARS = 200
_MAX_NAME_CHARS = 200
_MAX_IMPRESSIONS = 200

Keys = tuple[tuple[str, ...], ...]


class _Paths(msgspec.Struct, frozen=True):
    content: Keys
    session: Keys
    request: Keys
    impressions: Keys
    reason: Keys
    dwell_seconds: Keys
    rating: Keys
    answers: Keys


class EventMapper:
    """An event plan, compiled for use on every event."""

    def __init__(self, plan: EventPlan) -> None:
        """Split every path once."""
        self._plan = plan
        self._rules = {rule.name: rule for rule in plan.events}
        self._paths = {rule.name: _compile(rule.paths, plan.paths) for rule in plan.events}
        self._answer_keys = {rule.key for rule in plan.persona}

    def map(
        self, event: dict[str, Any], call: str, base: InteractionEvent
    ) -> Iterator[InteractionEvent]:
        """Complete `base` (user, time, message id) with what the event says.

        An event about several items, such as an order, gives one for each.

        Raises: UnusableEventError with the reason.
        """
        if call != "track":
            yield self._identity(event, CALL_TYPES[call], base)
            return
        name = text_id(event.get("event"))
        if name is None:
            raise UnusableEventError("no_name")
        rule = self._rules.get(name)
        if rule is None:
            yield msgspec.structs.replace(base, kind="other", name=name[:_MAX_NAME_CHARS])
        else:
            yield from self._mapped(event, rule, base)

    def _mapped(
        self, event: dict[str, Any], rule: PlanEvent, base: InteractionEvent
    ) -> Iterator[InteractionEvent]:
        paths = self._paths[rule.name]
        ids = self._ids(event, paths.content)
        if not ids and rule.becomes in _NEEDS_CONTENT:
            raise UnusableEventError("no_content")
        whole = msgspec.structs.replace(
            base,
            kind=rule.becomes,
            name=rule.name,
            session_id=text_id(_first(event, paths.session)),
            reason=rule.reason or self._reason(_first(event, paths.reason)),
            dwell_seconds=_number(_first(event, paths.dwell_seconds), low=0.0),
            request_id=text_id(_first(event, paths.request)),
            rating=_number(_first(event, paths.rating), low=1.0, high=5.0),
            strength=rule.strength,
            impressions=self._impressions(event, rule),
            answers=self._answers(_first(event, paths.answers)),
        )
        yield msgspec.structs.replace(whole, content_id=ids[0]) if ids else whole
        for item in ids[1:]:  # what was shown was shown once
            yield msgspec.structs.replace(whole, content_id=item, impressions=())

    def _reason(self, given: Any) -> ViewEnd | None:
        return self._plan.reasons.get(given) if isinstance(given, str) else None

    def _impressions(self, event: dict[str, Any], rule: PlanEvent) -> tuple[str, ...]:
        """What was shown beside an item: once, at the start of its view, not again at its end."""
        if rule.becomes == "view_ended":
            return ()
        return tuple(self._ids(event, self._paths[rule.name].impressions)[:_MAX_IMPRESSIONS])

    def _identity(
        self, event: dict[str, Any], kind: EventKind, base: InteractionEvent
    ) -> InteractionEvent:
        if kind not in _LINKING:
            return msgspec.structs.replace(base, kind=kind)
        linked = {text_id(event.get(name)) for name in ("anonymousId", "previousId")}
        linked.update(merged_ids(event))
        links = tuple(sorted(other for other in linked if other and other != base.user_id))
        traits: dict[str, Any] = {}
        if kind == "identify":
            context = event.get("context")
            nested = context.get("traits") if isinstance(context, dict) else None
            for source in (nested, event.get("traits")):  # the root wins
                if isinstance(source, dict):
                    traits |= {key: value for key, value in source.items() if value is not None}
        return msgspec.structs.replace(base, kind=kind, links=links, answers=self._answers(traits))

    def _ids(self, event: dict[str, Any], paths: Keys) -> list[str]:
        for path in paths:
            found = (
                content_id(value, self._plan.id_prefixes, self._plan.id_fields)
                for value in _follow(event, path)
            )
            if ids := list(dict.fromkeys(item for item in found if item is not None)):
                return ids
        return []

    def _answers(self, given: Any) -> dict[str, AnswerValue]:
        """The answers and traits that the plan names; all others are not kept."""
        kept: dict[str, AnswerValue] = {}
        for key, value in _pairs(given):
            bare = answer_key(key, self._plan.answer_prefixes)
            answer = _answer(value)
            if bare in self._answer_keys and answer is not None:
                kept[bare] = answer
        return kept


def merged_ids(event: dict[str, Any]) -> list[str]:
    """The user and anonymous ids that a merge call names; e-mail and the like are not looked at."""
    properties = event.get("mergeProperties")
    return [
        found
        for one in (properties if isinstance(properties, list) else ())
        if isinstance(one, dict)
        and str(one.get("type")).replace("_", "").lower() in ("userid", "anonymousid")
        and (found := text_id(one.get("value"))) is not None
    ]


def answer_key(key: str, prefixes: Sequence[str]) -> str:
    """A question's id without the prefix that some apps put before it."""
    for prefix in prefixes:
        if key.startswith(prefix):
            return key[len(prefix) :]
    return key


def _compile(own: PlanPaths, general: PlanPaths) -> _Paths:
    def split(name: str) -> Keys:
        return tuple(
            tuple(path.split(".")) for path in getattr(own, name) or getattr(general, name)
        )

    return _Paths(*(split(field.name) for field in msgspec.structs.fields(PlanPaths)))


def _follow(value: Any, path: Sequence[str]) -> list[Any]:
    """Every value at the end of a path, through each element of a list on the way."""
    for index, key in enumerate(path):
        if isinstance(value, list):
            return [end for item in value for end in _follow(item, path[index:])]
        if not isinstance(value, dict) or (value := value.get(key)) is None:
            return []
    return value if isinstance(value, list) else [value]


def _first(event: dict[str, Any], paths: Keys) -> Any:
    """What the first path that leads anywhere leads to, lists left whole."""
    for path in paths:
        value: Any = event
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _number(value: Any, *, low: float, high: float = float("inf")) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) and low <= number <= high else None


def _pairs(given: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(given, dict):
        yield from ((str(key), value) for key, value in given.items())
    elif isinstance(given, list):
        for item in given:
            if isinstance(item, dict) and (key := text_id(item.get("question_id"))):
                yield key, item.get("answer")


def _answer(value: Any) -> AnswerValue | None:
    if isinstance(value, list):
        several = tuple(one for one in map(_single_answer, value) if one is not None)
        return several or None
    return _single_answer(value)


def _single_answer(value: Any) -> str | float | None:
    if isinstance(value, str):
        return value.strip()[:_MAX_ANSWER_CHARS] or None
    number = _number(value, low=-1e12, high=1e12)
    # A whole number reads better, and encodes the same, however the SDK wrote it.
    return int(number) if number is not None and number.is_integer() else number
