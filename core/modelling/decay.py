"""How evidence fades: half of it is gone after each half-life."""

MS_PER_DAY = 86_400_000


def decay(ts_ms: int, now_ms: int, half_life_days: float) -> float:
    """The share of a strength that is left at `now_ms`, in (0, 1].

    An event ahead of `now_ms` (another machine's clock) counts as new.
    """
    return float(0.5 ** (age_days(ts_ms, now_ms) / half_life_days))


def age_days(ts_ms: int, now_ms: int) -> float:
    """How old that is at `now_ms`. Units: days."""
    return max(0, now_ms - ts_ms) / MS_PER_DAY
