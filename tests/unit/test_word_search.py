"""Text search in the index: what counts more than what."""

import pytest

from core.content import Content
from core.index.build import build_index
from core.index.contents import IndexedContents
from core.vectors import to_grid
from tests.contract.content.catalogue import OPEN


def store_of(**items: tuple[str, str]) -> IndexedContents:
    """Items by their id, of a title and a text."""
    return IndexedContents(
        build_index(
            Content(id=content_id, title=title, text=text, vector=to_grid([1.0]))
            for content_id, (title, text) in items.items()
        )
    )


STORE = store_of(
    a_text=("The camp", "An opera in the barracks"),
    b_title=("Opera in the camp", "Played in the barracks"),
    c_often=("The camp", "Opera after opera, opera"),
    d_long=("The camp", "An opera in the barracks " + "and so on and so forth " * 20),
    e_rare=("The bookcase", "A family in the hiding place"),
    f_begun=("The operation", "Nothing in the theatre"),
    z_common=("The barracks in the camp", "The barracks, the camp, the camp"),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # A title's, then as often as it stands there; then what the word only begins.
        ("opera", ["b_title", "c_often", "a_text", "f_begun", "d_long"]),
        ("operat", ["f_begun"]),
        # Only the last word may be unfinished.
        ("operat barracks", ["z_common", "a_text", "b_title", "d_long"]),
        # One rare word is worth more than a common one that is all over the text.
        ("camp bookcase", ["e_rare", "z_common", "a_text", "b_title", "c_often", "d_long"]),
        ("camp family", ["e_rare", "z_common", "a_text", "b_title", "c_often", "d_long"]),
        ("bookcase bookcase", ["e_rare"]),
        ("nowhere", []),
        ("!?", []),
        ("", []),
    ],
)
async def test_what_counts_more(query: str, found: list[str]) -> None:
    assert (await STORE.search_text(query, limit=9, where=OPEN)).ids == found


async def test_an_item_with_several_words_of_a_beginning_counts_once() -> None:
    store = store_of(
        many=("", "opera operation operator operetta"), one=("opera", ""), last=("nothing", "")
    )
    assert (await store.search_text("oper", limit=9, where=OPEN)).ids == ["one", "many"]
