"""What a dead letter keeps of an event: enough to read it again, and little of the person.

The properties stay, for a plan that is mended to read them; what looks personal
in them is masked. Of traits and context only that stays which the plan names.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from core.normalizing.ids import text_id
from core.normalizing.masking import masked_value
from core.plan import EventPlan, PlanPaths

_IDS = ("userId", "anonymousId", "previousId")
"""As they came: whoever is erased is found by them."""
_ALWAYS = frozenset(
    {"type", "event", "messageId", "message_id", "properties"}
    | {"timestamp", "originalTimestamp", "sentAt", "receivedAt"}
)
_IN_PARTS = frozenset({"context", "traits"})
_CONSENT: Mapping[str, Any] = {
    "consentManagement": {"allowedConsentIds": {}, "deniedConsentIds": {}}
}
_MERGED = frozenset({"userid", "anonymousid"})

_Tree = dict[str, Any]
"""Names of fields, each with the tree of those inside; an empty tree is all that is there."""


class MinimalEvents:
    """Reduces events to what their plan may read."""

    def __init__(self, plan: EventPlan) -> None:
        """Gather what the plan reads."""
        ways = [tuple(path.split(".")) for path in _paths(plan)]
        self._whole = _ALWAYS | {way[0] for way in ways} - _IN_PARTS - {*_IDS, "mergeProperties"}
        self._parts = _tree([way for way in ways if way[0] in _IN_PARTS and len(way) > 1])
        prefixes = ("", *plan.answer_prefixes)
        answers = {f"{prefix}{rule.key}" for rule in plan.persona for prefix in prefixes}
        traits: _Tree = {name: {} for name in answers | plan.consent.traits.keys()}
        self._traits = self._parts.get("traits", {}) | traits
        context = self._parts.get("context", {})
        self._context = {**context, **_CONSENT} | {"traits": context.get("traits", {}) | traits}

    def of(self, event: Any) -> Any:
        """The event without the rest; what is no object is only masked."""
        if not isinstance(event, dict):
            return masked_value(event)
        kept = {name: masked_value(event[name]) for name in self._whole & event.keys()}
        kept |= {name: event[name] for name in _IDS if text_id(event.get(name)) is not None}
        if isinstance(event.get("traits"), dict):
            kept["traits"] = masked_value(_pruned(event["traits"], self._traits))
        if isinstance(event.get("context"), dict):
            kept["context"] = masked_value(_pruned(event["context"], self._context))
        if merged := list(_merged(event.get("mergeProperties"))):
            kept["mergeProperties"] = merged
        return kept


def _paths(plan: EventPlan) -> Iterator[str]:
    for paths in (plan.paths, *(event.paths for event in plan.events)):
        for field in msgspec.structs.fields(PlanPaths):
            yield from getattr(paths, field.name)


def _tree(ways: Sequence[tuple[str, ...]]) -> _Tree:
    tree: _Tree = {}
    for way in sorted(ways, key=len, reverse=True):  # a shorter one keeps all that is inside
        inside = tree
        for name in way[:-1]:
            inside = inside.setdefault(name, {})
        inside[way[-1]] = {}
    return tree


def _pruned(value: Any, tree: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_pruned(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _pruned(one, tree[name]) if tree[name] else one
        for name, one in value.items()
        if name in tree
    }


def _merged(properties: Any) -> Iterator[Any]:
    """The ids that a merge names; its e-mail addresses and the like are read by nobody."""
    for one in properties if isinstance(properties, list) else ():
        kind = str(one.get("type")).replace("_", "").lower() if isinstance(one, dict) else ""
        if kind in _MERGED and text_id(one.get("value")) is not None:
            yield {"type": one["type"], "value": one["value"]}
