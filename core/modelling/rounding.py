"""Rounding of what a model stores.

A model rounds some two hundred numbers. Python's `round` asks for the shortest
decimal text of each, at five times the price of the arithmetic.
"""

from math import floor


def to_thousandths(value: float) -> float:
    """Three digits: finer than any evidence about a tag."""
    return floor(value * 1000 + 0.5) / 1000


def to_ten_thousandths(value: float) -> float:
    """Four digits: finer than any evidence about an item."""
    return floor(value * 10_000 + 0.5) / 10_000
