"""Whether an event may be used: what its sender says that the visitor has consented to.

RudderStack's SDKs send the visitor's choice with every event, as the ids of the
categories that were allowed and denied; an app may also keep it as a trait.
"""

from collections.abc import Iterator
from typing import Any

from core.normalizing.ids import bounded_id
from core.normalizing.limits import EventLimits
from core.normalizing.linking import ids_of
from core.plan import ConsentRule


def is_forbidden(event: dict[str, Any], rule: ConsentRule) -> bool:
    """Whether the visitor has said no, in the consent context or by a trait.

    Source: RudderStack, "Consent management" (`context.consentManagement`).
    """
    context = _object(event.get("context"))
    consent = _object(context.get("consentManagement"))
    if rule.categories:
        if rule.categories.intersection(_texts(consent.get("deniedConsentIds"))):
            return True
        allowed = consent.get("allowedConsentIds")
        if allowed is not None and not rule.categories.intersection(_texts(allowed)):
            return rule.must_be_allowed
    traits = {**_object(context.get("traits")), **_object(event.get("traits"))}
    return any(
        _text(traits.get(name)) in forbidding
        for name, forbidding in rule.traits.items()
        if traits.get(name) is not None
    )


def forbidding_ids(event: dict[str, Any], limits: EventLimits) -> tuple[str, ...]:
    """All ids that the event names as this visitor's."""
    found = (bounded_id(one, limits.max_id_chars) for one in ids_of(event))
    return tuple(dict.fromkeys(one for one in found if one))[: limits.max_links]


def _texts(value: Any) -> Iterator[str]:
    """The ids in a list, or in lists by provider; text by text, whatever else is there."""
    if isinstance(value, dict):
        for inside in value.values():
            yield from _texts(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts(inside)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield _text(value)


def _text(value: Any) -> str:
    return str(value).strip().casefold() if isinstance(value, str | int | float) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
