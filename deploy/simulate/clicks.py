"""How people look through a list: two models of clicking, with what a list earns by each.

Source: N. Craswell et al., "An experimental comparison of click position-bias
models", WSDM 2008.
"""

from typing import Literal, Protocol

import numpy as np

from deploy.simulate.world import Floats

ClickModelName = Literal["position", "cascade"]


class ClickModel(Protocol):
    """How a list is looked through."""

    def clicks(self, chances: Floats, draw: np.random.Generator) -> list[int]:
        """The places that are opened. Shape: `chances` (k,) of each that is looked at."""
        ...

    def expected(self, chances: Floats) -> float:
        """How many are opened in the mean."""
        ...


class PositionModel:
    """Every place is looked at with a chance of its own, whatever was opened before."""

    def clicks(self, chances: Floats, draw: np.random.Generator) -> list[int]:
        """Each by itself."""
        drawn = draw.random(len(chances)) < chances * _looked_at(len(chances))
        return np.flatnonzero(drawn).tolist()

    def expected(self, chances: Floats) -> float:
        """The sum over places."""
        return float((chances * _looked_at(len(chances))).sum())


class CascadeModel:
    """One after the other, until somebody has had enough: sooner after a story."""

    _AFTER_STORY, _AFTER_SKIP = 0.6, 0.92

    def clicks(self, chances: Floats, draw: np.random.Generator) -> list[int]:
        """Down to where the visitor stops."""
        opened = []
        for place, chance in enumerate(chances.tolist()):
            opens = draw.random() < chance
            if opens:
                opened.append(place)
            if draw.random() >= (self._AFTER_STORY if opens else self._AFTER_SKIP):
                break
        return opened

    def expected(self, chances: Floats) -> float:
        """By the chance to come so far."""
        reached, earned = 1.0, 0.0
        for chance in chances.tolist():
            earned += reached * chance
            reached *= chance * self._AFTER_STORY + (1.0 - chance) * self._AFTER_SKIP
        return earned


CLICK_MODELS: dict[ClickModelName, ClickModel] = {
    "position": PositionModel(),
    "cascade": CascadeModel(),
}


def _looked_at(places: int) -> Floats:
    looked: Floats = 1.0 / (1.0 + 0.25 * np.arange(places, dtype=np.float64))
    return looked
