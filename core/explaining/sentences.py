"""Says in one sentence why an item is in a list, for a visitor to read under it.

What is named did contribute: of the scorers that speak for the item the one that
sets it apart most from the other candidates, for what speaks for all of them
alike explains none.
"""

from collections.abc import Mapping, Sequence

from core.content import Content
from core.explaining.evidence import Found
from core.explanation import (
    Distracting,
    Pinned,
    Revisit,
    Rule,
    ScorerPart,
    TagShare,
    Together,
    Tried,
)
from core.ranking.fusion import BASE
from core.ranking.slate import Place

_A_KILOMETRE = 1000.0


def reason_of(
    place: Place,
    scorers: Sequence[ScorerPart],
    usual: Mapping[str, float],
    rules: Sequence[Rule],
    leaders: Mapping[str, Content],
    found: Found,
) -> str:
    """The sentence. `usual` is each scorer's mean contribution among the candidates."""
    for rule in rules:
        said = _of_rule(rule, place.content_id, leaders)
        if said is not None:
            return said
    part = strongest(scorers, usual)
    if part is not None and part.name in _OF_OTHERS:
        return _of_others(part.name, found)
    if part is not None:
        return _of_scorer(part.name, found)
    if "popular" in place.scored.generated_by(place.index):
        return "Popular with other visitors."
    return "Something to discover."


def strongest(scorers: Sequence[ScorerPart], usual: Mapping[str, float]) -> ScorerPart | None:
    """What speaks for an item more than for the others, else what speaks for it most."""
    speaking = [part for part in scorers if part.contribution > 0 and part.name != BASE]
    above = [part.contribution - usual.get(part.name, 0.0) for part in speaking]
    if above and max(above) > 0:
        return speaking[above.index(max(above))]
    return max(speaking, key=lambda part: part.contribution, default=None)


def quoted(title: str, content_id: str) -> str:
    """An item by its title, or by its id where it has none."""
    return f"“{title or content_id}”"


def metres_in_words(metres: float) -> str:
    """Such as `40 m` and `1.2 km`."""
    whole = round(metres)
    return f"{whole} m" if whole < _A_KILOMETRE else f"{metres / _A_KILOMETRE:.1f} km"


def _of_rule(rule: Rule, content_id: str, leaders: Mapping[str, Content]) -> str | None:
    if isinstance(rule, Pinned):
        return "Pinned by the curators."
    if isinstance(rule, Distracting):
        return "Something different on purpose."
    if isinstance(rule, Tried):
        return "It is new here."
    if isinstance(rule, Revisit):
        return "You have seen it before: nothing new is left here."
    if isinstance(rule, Together) and rule.leader != content_id:
        leader = leaders[rule.group]
        return f"It belongs with {quoted(leader.title, leader.id)}."
    return None


def _of_scorer(name: str, found: Found) -> str:  # noqa: PLR0911 - one for each scorer
    evidence = found.evidence
    label = _label(evidence.tags.get(name, ()))
    if name == "affinity" and evidence.liked is not None:
        return _of_liked(found)
    if name in ("semantic", "affinity"):
        return "Close to what you have read with interest."
    if name == "tag" and label:
        return f"It is about {label}, which interests you."
    if name == "recency":
        last = evidence.last_viewed
        what = f"{quoted(last.title, last.content_id)}, which" if last else "what"
        return f"Like {what} you viewed last."
    if name == "geo" and evidence.distance_m is not None:
        return f"{metres_in_words(evidence.distance_m)} from where you are."
    if evidence.session is not None:
        viewed = quoted(evidence.session.title, evidence.session.content_id)
        if name == "session_tag" and label:
            return f"It is about {label}, like {viewed}."
        if name == "session":
            return f"Like {viewed}, which you have just viewed."
        if name == "session_related":
            return f"{viewed} leads on to it."
    return f"Chosen for its {name.replace('_', ' ')}."


_OF_OTHERS = {
    "covisit": ("Others who liked {} liked it, too.", "Liked by others who liked the same as you."),
    "coview": ("Read by others who read {}.", "Read by others who read the same as you."),
    "next": ("Others went on to it from {}.", "Others went on to it from there."),
    "popularity": ("", "Liked by many visitors."),
    "common": ("", "Liked by many visitors."),
    "quality": ("", "Most who read it liked it."),
    "novelty": ("", "It is new here."),
}
"""What scorers of all visitors say, naming the item that they lead from, and without one."""


def _of_others(name: str, found: Found) -> str:
    named, unnamed = _OF_OTHERS[name]
    source = found.evidence.others.get(name)
    if source is None:
        return unnamed
    return named.format(quoted(source.title, source.content_id))


def _of_liked(found: Found) -> str:
    """The liked item, and the tag that both have if it contributes too."""
    liked = found.evidence.liked
    if liked is None:
        raise ValueError("there is no liked item to name")
    tag = found.shared_tag
    about = f", and it is about {tag.partition(':')[2]} too" if tag else ""
    because = "Because you read" if found.liked_was_viewed else "Because of"
    return f"{because} {quoted(liked.title, liked.content_id)}{about}."


def _label(shares: Sequence[TagShare]) -> str | None:
    """The label of the first tag that contributes."""
    return next((one.tag.partition(":")[2] for one in shares if one.contribution > 0), None)
