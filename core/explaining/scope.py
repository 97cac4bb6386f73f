"""Which restriction of a request an item is outside of."""

from core.content import Content
from core.explaining.outcomes import Asked, Excluded, Filtered, Hidden, NotValidNow, Outcome, TooFar
from core.explaining.sentences import metres_in_words
from core.geo import distance_m
from core.languages import language_key, languages_meet
from core.recommendation import RecommendRequest
from core.tags import choices_by_facet, facet_key, tag_key


def outside(
    content: Content, request: RecommendRequest, now_ms: int, asked: Asked
) -> Outcome | None:
    """The first restriction that keeps the item out of every list, None inside of all."""
    return (
        _not_shown(content, now_ms, asked)
        or _excluded(content, request, asked)
        or _filtered(content, request, asked)
        or _too_far(content, request, asked)
    )


def _not_shown(content: Content, now_ms: int, asked: Asked) -> Outcome | None:
    rules = content.rules
    if rules.hidden:
        return Hidden(**asked, sentence="The curators hide it.")
    if rules.shows_at(now_ms):
        return None
    early = rules.valid_from_ms is not None and now_ms < rules.valid_from_ms
    return NotValidNow(
        **asked,
        sentence="Its time has not come yet." if early else "Its time is over.",
        at_ms=now_ms,
        valid_from_ms=rules.valid_from_ms,
        valid_until_ms=rules.valid_until_ms,
    )


def _excluded(content: Content, request: RecommendRequest, asked: Asked) -> Outcome | None:
    if content.id in request.exclude:
        return Excluded(**asked, sentence="The request excludes it.", parameter="exclude")
    if content.id == request.session:
        return Excluded(**asked, sentence="It has just been viewed.", parameter="session")
    return None


def _filtered(content: Content, request: RecommendRequest, asked: Asked) -> Outcome | None:
    owned = {key for key, _ in content.keyed_tags}
    for facet, choices in choices_by_facet(request.tags).items():
        if not owned & choices:
            wanted = tuple(tag for tag in request.tags if facet_key(tag) == facet)
            said = f"It has no tag {' or '.join(wanted)}."
            return Filtered(**asked, sentence=said, parameter="filter", wanted=wanted)
    unwanted = tuple(tag for tag in request.without if tag_key(tag) in owned)
    if unwanted:
        said = f"It has the tag {unwanted[0]}, which the request rules out."
        return Filtered(**asked, sentence=said, parameter="filter", unwanted=unwanted)
    if not languages_meet(language_key(content.language), language_key(request.language)):
        said = f"Its language is {content.language}, not {request.language}."
        return Filtered(**asked, sentence=said, parameter="language", language=content.language)
    return None


def _too_far(content: Content, request: RecommendRequest, asked: Asked) -> Outcome | None:
    if request.near is None or request.radius_m is None:
        return None
    if content.position is None:
        said = "It has no place, and the request asks for what is near."
        return TooFar(**asked, sentence=said, radius_m=request.radius_m)
    metres = distance_m(request.near, content.position)
    if metres <= request.radius_m:
        return None
    radius, away = metres_in_words(request.radius_m), metres_in_words(metres)
    return TooFar(
        **asked,
        sentence=f"It is {away} away, and the request asks for what is within {radius}.",
        radius_m=request.radius_m,
        distance_m=metres,
    )
