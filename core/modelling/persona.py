"""What a visitor said about themselves, as tags they care for."""

from collections.abc import Iterable, Mapping

import msgspec

from core.events import AnswerValue, InteractionEvent
from core.plan import EventPlan, PersonaRule
from core.tags import is_tag


class NamedTag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag that an answer or a trait named. `key` is its name in the plan."""

    key: str
    answer: AnswerValue
    tag: str
    weight: float


class Persona(msgspec.Struct, frozen=True, kw_only=True):
    """`seeds` from `facet:label` to a weight; `demographics` by their plan name.

    `named` is what the seeds come from: of several answers that name a tag the
    one that weighs most counts.
    """

    seeds: Mapping[str, float]
    demographics: Mapping[str, str]
    named: tuple[NamedTag, ...]


def build_persona(events: Iterable[InteractionEvent], plan: EventPlan) -> Persona:
    """Apply the plan's persona rules to the latest answer to each.

    `events` must be in `event_order`.
    """
    rules = {rule.key: rule for rule in plan.persona}
    latest: dict[str, AnswerValue] = {}
    for event in events:
        latest |= event.answers
    seeds: dict[str, float] = {}
    demographics: dict[str, str] = {}
    named: list[NamedTag] = []
    for key in sorted(latest.keys() & rules.keys()):
        rule = rules[key]
        for tag in _tags(latest[key], rule):
            seeds[tag] = max(seeds.get(tag, 0.0), rule.weight)
            named.append(NamedTag(key=key, answer=latest[key], tag=tag, weight=rule.weight))
            if rule.demographic is not None:
                demographics[rule.demographic] = tag.partition(":")[2]
    return Persona(seeds=seeds, demographics=demographics, named=tuple(named))


def _tags(answer: AnswerValue, rule: PersonaRule) -> list[str]:
    several = answer if isinstance(answer, tuple) else (answer,)
    return [tag for one in several if (tag := _tag(one, rule)) is not None]


def _tag(answer: str | float, rule: PersonaRule) -> str | None:
    text = str(answer)
    if rule.tag_outright and is_tag(text):
        return text
    if rule.up_to and (number := _number(answer)) is not None:
        label = next((label for bound, label in rule.up_to if number <= bound), None)
    else:
        label = rule.labels.get(text.casefold(), text)
    return f"{rule.facet}:{label}" if label else None


def _number(answer: str | float) -> float | None:
    try:
        return float(answer)
    except ValueError:
        return None
