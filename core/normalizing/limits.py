"""`EventLimits`: how large one event, and each part that is kept of it, may be."""

from core.config import Count, Section


class EventLimits(Section, frozen=True, kw_only=True):
    """Variables with the prefix `EVENT_`. Nothing honest comes near any of them."""

    max_depth: Count = 64
    """An event nested deeper is rejected; its neighbours are not."""
    max_id_chars: Count = 512
    """A longer user id is rejected, another id counts as none, a message id is cut."""
    max_text_chars: Count = 200
    """Answers are cut there."""
    max_listed: Count = 200
    """Items, impressions and values of an answer past this many are left out."""
    max_links: Count = 20
    """The same for the ids that an alias or a merge names, in their order."""


DEFAULT_LIMITS = EventLimits()
