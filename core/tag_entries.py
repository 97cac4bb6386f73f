"""A tag and its weight as one number, so that reading a row's tags touches one place of memory."""

import numpy as np
import numpy.typing as npt

from core.ragged import Rows

Entries = npt.NDArray[np.int64]
_TAG_BITS = 32
_TAG = 2**_TAG_BITS - 1


def packed(tags: npt.NDArray[np.integer], weights: npt.NDArray[np.float32]) -> Entries:
    """The bits of each weight over those of its tag. Shape: all (k,)."""
    bits = np.ascontiguousarray(weights, dtype=np.float32).view(np.int32).astype(np.int64)
    return (bits << _TAG_BITS) | tags


def unpacked(entries: Entries) -> tuple[Rows, npt.NDArray[np.float32]]:
    """The tags and the weights again."""
    weights = (entries >> _TAG_BITS).astype(np.int32).view(np.float32)
    return (entries & _TAG).astype(np.intp, copy=False), weights
