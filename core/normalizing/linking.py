"""Who an event is by, and which ids it says are one person.

A user id is a person. An anonymous id on an identify, alias or merge is a device
that this person uses. What an alias or a merge names besides is meant to be the
same person, whoever it has been.
"""

from collections.abc import Sequence
from typing import Any

from core.identity.node import Claim
from core.normalizing.ids import bounded_id, text_id
from core.normalizing.limits import EventLimits
from core.normalizing.personal import is_masked
from core.normalizing.reasons import UnusableEventError

_LINKING = frozenset({"identify", "alias", "merge"})


def visitor_of(event: dict[str, Any], max_chars: int) -> str:
    """The id under which an event is kept. Raises: UnusableEventError where there is none."""
    visitor = text_id(event.get("userId")) or text_id(event.get("anonymousId"))
    if visitor is None:
        visitor = next(iter((*_merged(event, "userid"), *_merged(event, "anonymousid"))), None)
    if visitor is None:
        raise UnusableEventError("no_user")
    if len(visitor) > max_chars:
        raise UnusableEventError("user_id_too_long")
    return visitor


def claims_of(event: dict[str, Any], call: str, ts_ms: int, limits: EventLimits) -> list[Claim]:
    """What an identify, alias or merge says about ids, the same however it is delivered."""
    if call not in _LINKING:
        return []
    max_chars = limits.max_id_chars
    user = bounded_id(event.get("userId"), max_chars)
    device = bounded_id(event.get("anonymousId"), max_chars)
    users = [user, *_merged(event, "userid")] if call == "merge" else [user]
    others: list[str | None] = []
    if call == "merge":
        others += _merged(event, "anonymousid")
    if call == "alias":
        others = [bounded_id(event.get("previousId"), max_chars)]
    known = _short(users, max_chars)
    # Without any user id an alias says that this device is who was there before.
    named = known or _short(others, max_chars)
    if not named:
        return []
    person, *more = named
    meant = sorted({*more, *_short(others, max_chars)} - {person})[: limits.max_links]
    persons = [one for one in (person, *meant) if one in known]
    claims = [Claim(of=one, person=one, ts_ms=ts_ms, by="device") for one in persons]
    claims += [Claim(of=one, person=person, ts_ms=ts_ms, by="alias") for one in meant]
    if device is not None and device not in (person, *meant):
        claims.append(Claim(of=device, person=person, ts_ms=ts_ms, by="device"))
    return claims


def ids_of(event: dict[str, Any]) -> list[Any]:
    """Everything in an event that is an id of its visitor, as it stands there."""
    named = (event.get("userId"), event.get("anonymousId"), event.get("previousId"))
    return [*named, *_merged(event, "userid"), *_merged(event, "anonymousid")]


def _short(ids: Sequence[str | None], max_chars: int) -> list[str]:
    return list(dict.fromkeys(one for one in ids if one and len(one) <= max_chars))


def _merged(event: dict[str, Any], kind: str) -> list[str]:
    """The ids of one kind that a merge names; e-mail and the like are not looked at."""
    properties = event.get("mergeProperties")
    ids = [
        text_id(one.get("value"))
        for one in (properties if isinstance(properties, list) else ())
        if isinstance(one, dict) and str(one.get("type")).replace("_", "").lower() == kind
    ]
    # What an id was masked with in a dead letter is nobody's, and would be everybody's.
    return [one for one in ids if one and not is_masked(one)]
