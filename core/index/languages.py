"""The language of every row, so that a search can leave out what states another."""

from bisect import bisect_left

import msgspec
import numpy as np
import numpy.typing as npt

from core.index.scope import Mask
from core.languages import language_key, language_prefixes
from core.strings import StringTable

_STATES_NONE = ""


class LanguageColumn(msgspec.Struct, frozen=True):
    """Languages in comparable form, "" of the items that state none.

    Shape: `codes` (n,) the place of each row's in `names`, which is sorted; of as
        few bytes as hold it.
    """

    names: StringTable
    codes: npt.NDArray[np.unsignedinteger]

    def foreign(self, wanted: str | None) -> Mask | None:
        """The rows that state another language, None where there are none. Shape: (n,)."""
        key = language_key(wanted)
        if not key:
            return None
        foreign = np.ones(len(self.names), dtype=np.bool_)
        for one in (_STATES_NONE, *language_prefixes(key)):
            place = self.names.index(one)
            if place is not None:
                foreign[place] = False
        # What begins with the language and a hyphen: a dot is the next sign after that.
        begin, end = (bisect_left(self.names, key + sign) for sign in "-.")
        foreign[begin:end] = False
        return foreign.take(self.codes) if foreign.any() else None
