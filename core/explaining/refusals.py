"""Why an item whose turn came was not placed: which rule was in its way."""

from collections.abc import Iterable, Sequence

from core.content import Content
from core.explaining.outcomes import Asked, Outcome, Ruled
from core.explaining.sentences import quoted
from core.ranking.blocks import block_of, missing_members
from core.ranking.listing import Listing
from core.ranking.slate import Place
from core.tags import tag_key


def refusal(place: Place, seen: Iterable[str], listing: Listing, asked: Asked) -> Outcome | None:
    """The rule, None where none was; `seen` are the items that a group may do without."""
    block = block_of(place, listing.pool, seen=seen)
    if block is None:
        return _incomplete(place, seen, listing, asked)
    contents = [one.content for one in block]
    listed = [one.content for one in listing.slate.places]
    return (
        _apart(contents, listed, listing, asked)
        or _overfull(contents, listed, listing, asked)
        or _no_room(place, block, asked)
    )


def refusal_beforehand(
    place: Place, seen: Iterable[str], listing: Listing, asked: Asked
) -> Outcome | None:
    """The rule that keeps an item out of such a list however it scores."""
    block = block_of(place, listing.pool, seen=seen)
    if block is None:
        return _incomplete(place, seen, listing, asked)
    return _no_room(place, block, asked) if len(block) > listing.request.limit else None


def _incomplete(place: Place, seen: Iterable[str], listing: Listing, asked: Asked) -> Ruled:
    group = place.group or ""
    missing = missing_members(group, place.scored, listing.pool).difference(seen)
    return Ruled(
        **asked,
        sentence=f"It is shown together with the group “{group}”, of which not every item can "
        "be shown here.",
        rule="together",
        name=group,
        content_ids=tuple(sorted(missing)),
    )


def _apart(
    contents: Sequence[Content], listed: Sequence[Content], listing: Listing, asked: Asked
) -> Ruled | None:
    for name in sorted(listing.slate.rules.clashes(contents)):
        others = [one for one in listed if name in one.rules.apart] or [
            one for one in contents if name in one.rules.apart and one.id != asked["content_id"]
        ]
        titles = " and ".join(quoted(one.title, one.id) for one in others)
        return Ruled(
            **asked,
            sentence=f"The curators keep it apart from {titles}.",
            rule="apart",
            name=name,
            content_ids=tuple(one.id for one in others),
        )
    return None


def _overfull(
    contents: Sequence[Content], listed: Sequence[Content], listing: Listing, asked: Asked
) -> Ruled | None:
    spelled = {tag_key(tag): tag for one in contents for tag in one.tags}
    for key, most in sorted(listing.slate.rules.overfull(contents).items()):
        holders = [one.id for one in listed if any(own == key for own, _ in one.keyed_tags)]
        return Ruled(
            **asked,
            sentence=f"The list has {len(holders)} with {spelled[key]}, of which {most} may be.",
            rule="facet_cap",
            name=spelled[key],
            content_ids=tuple(holders),
            most=most,
        )
    return None


def _no_room(place: Place, block: Sequence[Place], asked: Asked) -> Ruled | None:
    if len(block) < 2:  # noqa: PLR2004 - there is always room for one
        return None
    return Ruled(
        **asked,
        sentence=f"It is shown together with the group “{place.group}”, and the list has no "
        f"room for {len(block)} side by side.",
        rule="together",
        name=place.group or "",
        content_ids=tuple(one.content_id for one in block),
    )
