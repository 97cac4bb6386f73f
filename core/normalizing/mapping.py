"""Applies an event plan: from a RudderStack event to what the visitor did."""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.events import AnswerValue, EventKind, InteractionEvent, ViewEnd
from core.normalizing.ids import content_id, kept_id, text_id
from core.normalizing.limits import DEFAULT_LIMITS, EventLimits
from core.normalizing.minimal import MinimalEvents
from core.normalizing.paths import CompiledPaths, Ends, Places, compile_paths
from core.normalizing.reasons import UnusableEventError
from core.normalizing.values import answer, number, question_pairs
from core.plan import EventPlan, PlanEvent

CALL_TYPES: dict[str, EventKind] = {
    "identify": "identify",
    "alias": "alias",
    "merge": "merge",
    "page": "page",
    "screen": "screen",
    "group": "group",
}
_NEEDS_CONTENT = frozenset({"view_started", "view_ended", "interaction"})


class EventMapper:
    """An event plan, compiled for use on every event."""

    def __init__(self, plan: EventPlan, limits: EventLimits = DEFAULT_LIMITS) -> None:
        """Split every path once."""
        self.limits = limits
        self.consent = plan.consent
        self.minimal = MinimalEvents(plan)
        self._plan = plan
        self._rules = {
            rule.name: (rule, compile_paths(rule.paths, plan.paths)) for rule in plan.events
        }
        self._answer_keys = {rule.key for rule in plan.persona}

    def map(
        self, event: dict[str, Any], call: str, base: InteractionEvent
    ) -> list[InteractionEvent]:
        """Complete `base` (user, time, message id) with what the event says.

        An event about several items, such as an order, gives one for each.

        Raises: UnusableEventError with the reason.
        """
        if call != "track":
            return [self._identity(event, CALL_TYPES[call], base)]
        name = text_id(event.get("event"))
        if name is None:
            raise UnusableEventError("no_name")
        if name in self._rules:
            return self._mapped(event, *self._rules[name], base)
        # Its name may be any text, and nobody reads it: it is not kept.
        return [base]

    def _mapped(
        self, event: dict[str, Any], rule: PlanEvent, paths: CompiledPaths, base: InteractionEvent
    ) -> list[InteractionEvent]:
        places, max_chars = Places(event, paths), self.limits.max_id_chars
        ids = self._ids(places, paths.content)
        if not ids and rule.becomes in _NEEDS_CONTENT:
            raise UnusableEventError("no_content")
        whole = msgspec.structs.replace(
            base,
            kind=rule.becomes,
            name=rule.name,
            content_id=ids[0] if ids else None,
            session_id=kept_id(places.first(paths.session), max_chars),
            reason=rule.reason or self._reason(places.first(paths.reason)),
            dwell_seconds=number(places.first(paths.dwell_seconds), low=0.0),
            request_id=kept_id(places.first(paths.request), max_chars),
            rating=number(places.first(paths.rating), low=1.0, high=5.0),
            strength=rule.strength,
            impressions=self._impressions(places, rule, paths),
            answers=self._answers(places.first(paths.answers)),
        )
        # What was shown was shown once.
        others = [
            msgspec.structs.replace(whole, content_id=item, impressions=()) for item in ids[1:]
        ]
        return [whole, *others]

    def _reason(self, given: Any) -> ViewEnd | None:
        return self._plan.reasons.get(given) if isinstance(given, str) else None

    def _impressions(
        self, places: Places, rule: PlanEvent, paths: CompiledPaths
    ) -> tuple[str, ...]:
        """What was shown beside an item: once, at the start of its view, not again at its end."""
        if rule.becomes == "view_ended":
            return ()
        return tuple(self._ids(places, paths.impressions))

    def _identity(
        self, event: dict[str, Any], kind: EventKind, base: InteractionEvent
    ) -> InteractionEvent:
        if kind != "identify":
            return msgspec.structs.replace(base, kind=kind)
        traits: dict[str, Any] = {}
        context = event.get("context")
        nested = context.get("traits") if isinstance(context, dict) else None
        for source in (nested, event.get("traits")):  # the root wins
            if isinstance(source, dict):
                traits |= {key: value for key, value in source.items() if value is not None}
        return msgspec.structs.replace(base, kind=kind, answers=self._answers(traits))

    def _ids(self, places: Places, ends: Ends) -> list[str]:
        """The items that the first path with any leads to, each once."""
        plan, limits = self._plan, self.limits
        for end in ends:
            ids: dict[str, None] = {}
            for value in places.every(end):
                item = content_id(value, plan.id_prefixes, plan.id_fields, limits.max_id_chars)
                if item is not None:
                    ids[item] = None
            if ids:
                return list(ids)[: limits.max_listed]
        return []

    def _answers(self, given: Any) -> dict[str, AnswerValue]:
        """The answers and traits that the plan names; all others are not kept."""
        if given is None:  # nearly always
            return {}
        kept: dict[str, AnswerValue] = {}
        for key, value in question_pairs(given):
            bare = answer_key(key, self._plan.answer_prefixes)
            if bare in self._answer_keys and (said := answer(value, self.limits)) is not None:
                kept[bare] = said
        return kept


def answer_key(key: str, prefixes: Sequence[str]) -> str:
    """A question's id without the prefix that some apps put before it."""
    for prefix in prefixes:
        if key.startswith(prefix):
            return key[len(prefix) :]
    return key
