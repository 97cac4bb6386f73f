"""CSV and TSV: every way in which such files are written, and rows that cost only themselves."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from adapters.catalogue.mapping import CatalogueMapping
from adapters.catalogue.reader import CatalogueReader
from core.errors import RejectedError
from core.geo import GeoPoint
from tests.catalogues.files import BENCHES, BENCHES_MAPPED, TREES, items, read, told, write

NO_TITLE = "empty, and a title is needed"
MAPPING = CatalogueMapping(id="id", title="title", text="text")


def test_a_table_with_many_troubles_gives_every_good_row_and_names_every_bad_one() -> None:
    rows, problems = read(BENCHES, *BENCHES_MAPPED)
    good = ["B-001", "B-002", "B-003", "B-004", "B-005", "B-012", "B-013", "B-014", "B-015"]
    assert [row.content.id for row in rows] == good
    assert told(problems) == [
        "benches.csv, row 7, line 10: column latitude: '92.1006' is not a number from -90 to 90",
        "benches.csv, row 8, line 11: column longitude: empty, although latitude is filled",
        "benches.csv, row 9, line 12: column inv: 'B-001' stands there twice, first in line 2",
        "benches.csv, row 10, line 13: column inv: '' is no id: it needs 1 to 512 characters",
        "benches.csv, row 11, line 14: is not well quoted: ',' expected after '\"'",
        "benches.csv, row 12, line 15: column honoured_name, inscription: " + NO_TITLE,
        "benches.csv, row 13, line 16: column crafts: '[\"teacher\"' is not a JSON list",
        "benches.csv, row 18, line 21: has 3 cells where the header has 13",
        "benches.csv, row 19, line 22: is not UTF-8 from byte 10 on; save the file as UTF-8",
    ]


def test_a_row_becomes_an_item_with_its_line_breaks_lists_and_place() -> None:
    found = items(BENCHES, *BENCHES_MAPPED)
    assert found["B-003"].title == "Jonas Werfel"
    assert found["B-003"].text.startswith('Jonas Werfel "The Ear" tuned')
    assert found["B-003"].position is None
    assert found["B-003"].image == "https://img.example/3.jpg"
    assert found["B-003"].tags == {
        "colour:green": 1.0,
        "given_by:Bell Society": 1.0,
        "given_by:Harbour Guild": 1.0,
        "craft:bell tuner": 1.0,
        "craft:organist": 1.0,
    }
    assert found["B-005"].text == "Pieter Lamm, organist,\r\nand his dog Basso"
    assert found["B-005"].position == GeoPoint(52.1005, 4.3005)
    assert (found["B-005"].place, found["B-005"].date) == ("Ostermeer", "1974")
    # A dash stands for no colour.
    assert found["B-014"].tags == {"given_by:Harbour Guild": 1.0, "craft:net mender": 1.0}


def test_where_there_is_no_name_the_title_is_the_start_of_the_text() -> None:
    found = items(BENCHES, *BENCHES_MAPPED)
    assert found["B-002"].title == "Here the ferry landed until the bridge was built"
    assert found["B-015"].title == (
        "For all who waited here for a boat that did not come back, and for those who…"
    )


def test_tabs_are_read_without_quoting_and_every_rule_is_understood() -> None:
    rows, problems = read(TREES)
    assert problems == []
    assert all(row.says_hidden for row in rows)
    found = {row.content.id: row.content for row in rows}
    oak = found["oak"]
    assert oak.title == '"Old Oak" at the gate'
    assert oak.tags == {"keywords:old": 1.0, "keywords:landmark": 1.0}
    assert oak.related == {"lime": 1.0, "elm": 1.0}
    assert (oak.language, oak.popularity, oak.position) == ("en", 120.0, GeoPoint(52.5, 13.4))
    assert oak.rules.valid_from_ms == 1_767_225_600_000
    # A last day is valid to its end.
    assert oak.rules.valid_until_ms == 1_767_225_600_000 + 365 * 86_400_000
    assert (oak.rules.pinned, oak.rules.apart, oak.rules.hidden) == (1, ("oaks",), False)
    assert found["elm"].rules.hidden
    assert found["oak2"].rules.valid_from_ms == 1_777_620_600_000
    assert found["lime"].popularity == 12.5


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(tmp_path: Path, separator: str) -> None:
    lines = ["id,title,text", "1,One,a: b", "2,Two,c: d"]
    path = write(tmp_path, "items.csv", "\n".join(lines).replace(",", separator))
    rows = list(CatalogueReader(path, MAPPING).rows())
    assert [(row.content.id, row.content.text) for row in rows] == [("1", "a: b"), ("2", "c: d")]


def test_a_separator_that_stands_in_the_texts_too_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "items.csv", "id;title,with,commas\n1;One\n2;Two\n")
    assert set(items(path, "delimiter=;", "title=title,with,commas")) == {"1", "2"}


def test_gzip_is_unpacked_and_a_half_of_it_refused(tmp_path: Path) -> None:
    packed = gzip.compress(BENCHES.read_bytes())
    path = write(tmp_path, "benches.csv.gz", packed)
    assert len(read(path, *BENCHES_MAPPED)[0]) == 9
    broken = write(tmp_path, "broken.csv.gz", packed[: len(packed) // 2])
    with pytest.raises(RejectedError, match=r"broken\.csv\.gz is broken after line"):
        list(CatalogueReader(broken, CatalogueMapping(id="inv", title="colour")).rows())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "the file is empty"),
        (",,\n1,2,3\n", "must name the columns: there is none"),
        ("id,id\n1,2\n", "columns stand there twice: id"),
        ('"id,title\n1,2\n', "the header cannot be read"),
        ("id,title\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ('[{"id": 1}]', "is one JSON array"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    tmp_path: Path, said: str | bytes, message: str
) -> None:
    path = write(tmp_path, "items.csv", said)
    with pytest.raises(RejectedError, match=message):
        list(CatalogueReader(path, MAPPING).rows())


def test_an_unclosed_quote_costs_one_row_however_long_the_file_is(tmp_path: Path) -> None:
    lines = [f"{number},Title {number},Text {number}" for number in range(5000)]
    lines[100] = '100,"Title 100,Text 100'
    path = write(tmp_path, "items.csv", "id,title,text\n" + "\n".join(lines))
    rows, problems = read(path)
    assert len(rows) == 4999
    assert [problem.line for problem in problems] == [102]


def test_empty_cells_and_rows_beside_the_table_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path, "items.csv", "id,title,,\n1,One,,\n\n,,,\n2,Two\n3,Three,,x\n")
    rows, problems = read(path)
    assert [row.content.id for row in rows] == ["1", "2"]
    assert told(problems) == ["items.csv, line 6: has 4 cells where the header has 2"]


def test_a_large_table_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    with path.open("w") as file:
        file.write("id,title,text\n")
        file.writelines(f"{n},Title {n},{'x' * 4000}\n" for n in range(5000))
    reader = CatalogueReader(path, MAPPING)
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader.rows()) == 5000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.consumed == path.stat().st_size > 20_000_000
    assert peak < 2_000_000  # the ids, to find those that stand there twice
