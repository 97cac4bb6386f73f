"""Embeddings on an integer grid, so that products are exact on every machine.

A float product summed in another order (another BLAS kernel, another CPU)
differs in its last digits. Unit vectors rounded to integers of at most 4000
have products and partial sums below 2^24, which float32 holds exactly: any
kernel gives the same bytes at full speed, for a cosine error of about 1e-4.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

GridVector = npt.NDArray[np.float32]
GridMatrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

GRID = 4000.0
"""Largest scale whose square, the bound of every partial sum, stays below 2^24."""


def to_grid(vector: Sequence[float] | npt.NDArray[np.floating]) -> GridVector:
    """Normalise a vector and round it onto the grid; zeros stay zeros.

    Shape: (dim,) to (dim,).
    """
    raw = np.asarray(vector, dtype=np.float64)
    norm = float(np.sqrt(np.add.reduce(raw * raw)))
    if norm == 0.0:
        return np.zeros(raw.shape, dtype=np.float32)
    return np.rint(raw * (GRID / norm)).astype(np.float32)


def cosines(rows: GridMatrix, columns: GridMatrix) -> Floats:
    """Cosine of every row with every column vector, 0 where one is all zeros.

    Every vector on the grid has the length GRID, up to its rounding.

    Shape: (n, dim) and (m, dim) to (n, m).
    """
    close = (rows @ columns.T).astype(np.float64)
    close /= GRID * GRID
    np.minimum(close, 1.0, out=close)
    np.maximum(close, -1.0, out=close)
    return close


def centroid(matrix: GridMatrix, weights: Sequence[float]) -> Floats:
    """Weighted sum of the rows, normalised; zeros where there is no direction.

    Shape: (n, dim) and (n,) to (dim,).
    """
    weighted = matrix.astype(np.float64) * np.asarray(weights, dtype=np.float64)[:, None]
    total: Floats = np.add.reduce(weighted, axis=0)
    norm = float(np.sqrt(np.add.reduce(total * total)))
    return total / norm if norm > 0 else total


def pack(vector: Sequence[float] | npt.NDArray[np.floating]) -> str:
    """Base64 of little-endian float16, the form in which a model is stored."""
    return b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode("ascii")


def unpack(packed: str) -> Floats:
    """The vector that `pack` wrote. Shape: (dim,)."""
    return np.frombuffer(b64decode(packed), dtype="<f2").astype(np.float64)


def pack_grid(vector: GridVector) -> str:
    """Base64 of little-endian int16, which holds a vector on the grid exactly."""
    return b64encode(vector.astype("<i2").tobytes()).decode("ascii")


def unpack_grid(packed: str) -> GridVector:
    """The vector that `pack_grid` wrote. Raises: ValueError. Shape: (dim,)."""
    return np.frombuffer(b64decode(packed, validate=True), dtype="<i2").astype(np.float32)
