"""Mappings: read, written, guessed, and changed by options."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.catalogue.cells import moment, moment_text
from adapters.catalogue.choose import choose_mapping
from adapters.catalogue.mapping import CatalogueMapping, ListColumn, write_mapping
from adapters.catalogue.problems import RowProblem
from adapters.catalogue.reader import CatalogueReader
from core.errors import RejectedError
from tests.catalogues.files import BENCHES, BENCHES_MAPPED, TREES, items, told, write


def chosen(path: Path, *options: str) -> CatalogueMapping:
    mapping = choose_mapping(path, None, options).mapping
    assert mapping is not None
    return mapping


def json_lines(folder: Path, *rows: dict[str, Any]) -> Path:
    return write(folder, "items.jsonl", "\n".join(json.dumps(row) for row in rows))


def test_names_and_values_tell_what_the_columns_are() -> None:
    found = choose_mapping(BENCHES, None, BENCHES_MAPPED)
    assert found.is_guessed
    assert found.mapping == CatalogueMapping(
        id="inv",
        title=("honoured_name", "inscription"),
        text="inscription",
        place="town",
        lat="latitude",
        lon="longitude",
        image="photo",
        date="placed_year",
        tags={
            "colour": "colour",
            "given_by": ListColumn(column="given_by", split="json"),
            "craft": ListColumn(column="crafts", split="json"),
        },
    )
    assert found.left_out == {"wiki": "web addresses"}


def test_lists_with_separators_and_rules_are_seen() -> None:
    assert chosen(TREES) == CatalogueMapping(
        id="sku",
        title="headline",
        text="story",
        position="location",
        language="lang",
        popularity="views",
        hidden="is_hidden",
        valid_from="visible_from",
        valid_until="visible_until",
        pinned="pin",
        apart="apart",
        related=ListColumn(column="see_also", split=";"),
        tags={"keywords": ListColumn(column="keywords", split=";")},
    )


def test_columns_that_tell_nothing_apart_become_no_facet(tmp_path: Path) -> None:
    rows = [
        {
            "id": number,
            "name": f"Name {number}",
            "same": "everywhere",
            "page": f"https://example.org/{number % 3}",
            "year_of": 1900 + number % 4,
            "keeper": f"Keeper {number}",
            "notes": "a sentence much too long for anything like a label " * (1 + number % 3),
            "kind": "stone" if number % 2 else "wood",
        }
        for number in range(40)
    ]
    path = json_lines(tmp_path, *rows)
    found = choose_mapping(path)
    assert found.mapping == CatalogueMapping(
        id="id", title="name", text="notes", tags={"kind": "kind"}
    )
    assert found.left_out == {
        "same": "the same everywhere",
        "page": "web addresses",
        "year_of": "numbers",
        "keeper": "almost every value is another, or long",
    }


def test_a_name_that_its_values_belie_is_not_believed(tmp_path: Path) -> None:
    path = json_lines(
        tmp_path,
        {"code": "a", "id": "x", "lat": "north", "lon": "west", "label": "One", "image": "none"},
        {"code": "b", "id": "x", "lat": "south", "lon": "east", "label": "Two", "image": "none"},
    )
    mapping = chosen(path)
    assert (mapping.id, mapping.lat, mapping.lon, mapping.image) == ("code", "", "", "")


def test_json_lines_of_another_form_are_guessed_like_a_table(tmp_path: Path) -> None:
    rows = [
        {"sku": 1, "headline": "One", "coordinates": [52.5, 13.4], "topics": ["a", "b"]},
        {"sku": 2, "headline": "Two", "coordinates": None, "topics": ["a"]},
        {"sku": 3, "headline": "Three", "topics": ["b", "a"]},
    ]
    path = json_lines(tmp_path, *rows)
    found = items(path)
    assert found["1"].position is not None
    assert found["1"].position.lon == 13.4
    assert found["2"].position is None
    assert found["3"].tags == {"topics:b": 1.0, "topics:a": 1.0}


def test_json_lines_of_the_own_form_need_no_mapping(tmp_path: Path) -> None:
    path = write(tmp_path, "items.jsonl", '{"id": "a", "title": "A", "tags": ["kind:x"]}')
    assert choose_mapping(path).mapping is None
    assert items(path)["a"].tags == {"kind:x": 1.0}
    assert items(path, "text=title")["a"].text == "A"


def test_a_written_mapping_reads_the_file_as_the_guess_did(tmp_path: Path) -> None:
    said = write_mapping(chosen(BENCHES, *BENCHES_MAPPED), ["a remark"])
    assert said.startswith('# a remark\nid = "inv"\n')
    kept = choose_mapping(BENCHES, write(tmp_path, "benches.toml", said))
    assert kept.mapping == chosen(BENCHES, *BENCHES_MAPPED)
    assert not kept.is_guessed


def test_options_replace_add_and_empty_fields() -> None:
    mapping = chosen(
        TREES,
        "title=story",
        "title=headline",
        "place=sku",
        "popularity=",
        "tags.keywords=",
        "tags.tongue=lang",
        "apart=keywords",
    )
    assert mapping.title == ("story", "headline")
    assert (mapping.place, mapping.popularity) == ("sku", "")
    assert mapping.tags == {"tongue": "lang"}
    assert mapping.apart == ListColumn(column="keywords", split=";")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("title", "write FIELD=COLUMN or tags.FACET=COLUMN"),
        ("rules.pinned=pin", "write FIELD=COLUMN or tags.FACET=COLUMN"),
        ("tittle=headline", "unknown field `tittle`"),
        ("title=headlin", r"no column headlin \(did you mean headline\?\)"),
        ("tags.a=nothing", "no column nothing; it has sku, headline"),
        ("id=", "no column looks like the id: say which by --map id=COLUMN"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(option: str, message: str) -> None:
    with pytest.raises(RejectedError, match=message):
        chosen(TREES, option)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("id = 3", "Expected `str`, got `int`"),
        ('id = "sku"', "missing required field `title`"),
        ('id = "sku"\ntitle = "headline"\nimgae = "x"', "unknown field `imgae`"),
        ('id = "sku"\ntitle = "headline"\n[tags.a]\ncolumn = "keywords"\nweight = 2', "<= 1.0"),
        ("id = ", "Invalid value"),
        ('id = "sku"\ntitle = "name"', "no column name; it has"),
    ],
)
def test_a_mapping_file_that_cannot_be_used_is_refused(
    tmp_path: Path, said: str, message: str
) -> None:
    path = write(tmp_path, "mapping.toml", said)
    with pytest.raises(RejectedError, match=message):
        choose_mapping(TREES, path)


def test_weights_and_several_columns_of_a_mapping_are_used(tmp_path: Path) -> None:
    said = """
    id = "sku"
    title = "headline"
    text = ["headline", "story"]
    place = ["lang", "sku"]
    tags.tongue = "lang"
    tags.word = {column = "keywords", split = ";", weight = 0.25}
    """
    mapping = choose_mapping(TREES, write(tmp_path, "mapping.toml", said)).mapping
    assert mapping is not None
    path = write(tmp_path, "written.toml", write_mapping(mapping))
    assert choose_mapping(TREES, path).mapping == mapping
    pear = [row.content for row in CatalogueReader(TREES, mapping).rows()][-1]
    assert pear.text == (
        "Pear of the mill\n\nIts pears are hard as wood and good for nothing but cider."
    )
    assert pear.place == "en, pear"
    assert pear.tags == {"tongue:en": 1.0, "word:school": 0.25, "word:dance": 0.25}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("lat", "x", "column c: 'x' is not a number from -90 to 90"),
        ("lat", "-90,1", "column c: '-90,1' is not a number from -90 to 90"),
        ("position", "52.1", "column c: '52.1' is no lat,lon in degrees: write 52.3752,4.884"),
        ("position", "1.2.3,4", "is no lat,lon in degrees"),
        ("popularity", -1, "column c: -1 is not a number of 0 or more"),
        ("popularity", "nan", "is not a number of 0 or more"),
        ("hidden", "maybe", "column c: 'maybe' is neither yes nor no: write true or false"),
        ("valid_from", "1 May", "column c: '1 May' is no ISO 8601 moment: write 2026-11-24 or"),
        ("pinned", "0", "column c: '0' is not a number of 1 or more"),
        ("pinned", "1.5", "column c: '1.5' is not a whole number of 1 or more"),
        ("vector", "[1, null]", "column c: '[1, null]' is not a JSON list of numbers"),
        ("related", '{"a": 2}', "is not a number from 0 to 1"),
        ("related", "[1", "column c: '[1' is not a JSON list"),
        ("id", "x" * 513, "is no id: it needs 1 to 512 characters"),
        ("title", " ", "column c: empty, and a title is needed"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_could(
    tmp_path: Path, field: str, value: Any, message: str
) -> None:
    usual = {"id": "a", "title": "b", "lat": None, "lon": None}
    lines = [usual | {"c": value}, usual | {"c": None, "id": "good"}]
    path = json_lines(tmp_path, *lines)
    column = ListColumn(column="c", split="json") if field == "related" else "c"
    mapping = msgspec.convert({name: name for name in usual} | {field: column}, CatalogueMapping)
    problems: list[RowProblem] = []
    rows = list(CatalogueReader(path, mapping).rows(problems.append))
    assert told(problems)[0].startswith("items.jsonl, line 1: ")
    assert message in told(problems)[0]
    assert len(rows) == (field not in ("id", "title"))


@pytest.mark.parametrize(
    ("cell", "read"),
    [("52,5", 52.5), ("52.5", 52.5), (" -1 ", -1.0), (7, 7.0)],
)
def test_a_comma_may_be_a_decimal_point(tmp_path: Path, cell: Any, read: float) -> None:
    line = {"id": "a", "title": "b", "breadth": cell, "length": 1}
    path = json_lines(tmp_path, line)
    position = items(path, "lat=breadth", "lon=length")["a"].position
    assert position is not None
    assert position.lat == read


@pytest.mark.parametrize("ms", [0, -1, 1_764_000_000_001, 253_402_300_799_999, -62_135_596_800_000])
def test_a_moment_is_written_as_it_is_read(ms: int) -> None:
    assert moment(moment_text(ms)) == ms


def test_the_last_day_that_has_a_date_stands_for_ever() -> None:
    assert moment("9999-12-31", day_ends=True) == moment("9999-12-31T23:59:59.999")
    assert moment_text(10**18) == "9999-12-31T23:59:59.999+00:00"


def test_the_mapping_of_the_readme_is_one() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [said] = re.findall(r'```toml\n(id = "id"\n.*?)```', readme, re.DOTALL)
    mapping = msgspec.toml.decode(said, type=CatalogueMapping)
    assert mapping.tags["role"] == ListColumn(column="roles", split="json", weight=0.5)
