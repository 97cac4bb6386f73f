"""A museum that exists nowhere: stories, and visitors whose taste only the simulator knows.

What a story is about shows in its tags and words. What moves people shows in
neither: every story is on a hidden thread, and who loves a thread loves it across
all themes. So content says a part, and only what others read says the rest.
"""

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

_THEMES = ("hiding", "resistance", "music", "bombing", "rescue", "hunger", "letters", "return")
_THREADS = 12
_LOVED = 2
_BASE, _THEME, _THREAD, _APPEAL = -3.6, 1.3, 2.6, 0.7
"""How likely a story is opened that is looked at: in log-odds, and what adds to it."""
_NEARBY, _WITHIN_M = 0.9, 400.0
_METRES_A_DEGREE = 111_000.0
_CENTRE = (52.0, 13.0)

Floats = npt.NDArray[np.float64]


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """One visitor. Shape: `likes` (items,) log-odds of opening each that is looked at."""

    user_id: str
    likes: Floats
    position: tuple[float, float] | None


class World:
    """Everything that is hidden, drawn from a seed."""

    def __init__(self, *, items: int, seed: int) -> None:
        """So many stories."""
        draw = np.random.default_rng(seed)
        self.ids = [f"story-{number:04d}" for number in range(items)]
        self.row_of = {one: row for row, one in enumerate(self.ids)}
        self._themes = draw.integers(len(_THEMES), size=items)
        self._threads = draw.integers(_THREADS, size=items)
        self._appeal = draw.normal(size=items)
        self._places = np.array(_CENTRE) + draw.normal(scale=0.01, size=(items, 2))
        self._draw = draw

    def visitor(self, user_id: str) -> Visitor:
        """Somebody new."""
        draw = self._draw
        theme = draw.dirichlet(np.full(len(_THEMES), 0.4)) * len(_THEMES) / 2
        thread = np.zeros(_THREADS)
        thread[draw.choice(_THREADS, _LOVED, replace=False)] = 1.0
        likes = _BASE + _THEME * np.minimum(theme[self._themes], 1.5)
        likes = likes + _THREAD * thread[self._threads] + _APPEAL * self._appeal
        position = None
        if draw.random() < 0.3:  # noqa: PLR2004 - so many are on site
            lat, lon = np.array(_CENTRE) + draw.normal(scale=0.005, size=2)
            position = (round(float(lat), 5), round(float(lon), 5))
            metres = np.hypot(*((self._places - position) * _METRES_A_DEGREE).T)
            likes = likes + _NEARBY * (metres < _WITHIN_M)
        return Visitor(user_id=user_id, likes=likes, position=position)

    def write_catalogue(self, path: Path) -> None:
        """What of it the service may know."""
        lines = [msgspec.json.encode(self._item(row)) for row in range(len(self.ids))]
        path.write_bytes(b"\n".join(lines) + b"\n")

    def _item(self, row: int) -> dict[str, object]:
        theme = _THEMES[int(self._themes[row])]
        lat, lon = self._places[row].tolist()
        return {
            "id": self.ids[row],
            "title": f"{theme.title()}, number {row}",
            "text": f"A story of {theme}. " * 12 + f"It has the number {row}.",
            "tags": {f"theme_what:{theme.title()}": 1.0},
            "lat": lat,
            "lon": lon,
        }


def chances(visitor: Visitor, rows: npt.NDArray[np.intp], tired: float) -> Floats:
    """How likely the visitor opens each story that they look at. `tired` takes off log-odds."""
    return 1.0 / (1.0 + np.exp(-(visitor.likes[rows] - tired)))
