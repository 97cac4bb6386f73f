"""Catalogue files: every accepted form, and lines that are named and left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.catalogue.jsonl import Catalogue, bundled_catalogue, read_catalogue
from core.content import ContentRules
from core.errors import ConfigError
from core.geo import GeoPoint
from core.tags import facet_key
from core.vectors import cosines
from tests.build import EMBEDDER


def read(folder: Path, *lines: Any) -> Catalogue:
    path = folder / "items.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return read_catalogue(path, EMBEDDER)


def test_a_full_line_becomes_an_item(tmp_path: Path) -> None:
    line = {
        "id": 7,
        "title": "Title",
        "text": "one two three",
        "tags": ["kind:a"],
        "lat": 1.5,
        "lon": 2.5,
        "image": "https://example.org/i.jpg",
        "more": "ignored",
    }
    [item] = read(tmp_path, line).contents
    assert (item.id, item.words, item.position) == ("7", 3, GeoPoint(1.5, 2.5))
    assert item.tags == {"kind:a": 1.0}


@pytest.mark.parametrize(
    ("tags", "weights"),
    [
        (["a:b", "c:d"], {"a:b": 1.0, "c:d": 1.0}),
        ({"a:b": 0.5}, {"a:b": 0.5}),
        ({"a": ["b", "e"]}, {"a:b": 1.0, "a:e": 1.0}),
    ],
)
def test_tags_come_in_three_forms(tmp_path: Path, tags: Any, weights: dict[str, float]) -> None:
    [item] = read(tmp_path, {"id": "x", "title": "X", "tags": tags}).contents
    assert item.tags == weights


def test_null_is_as_good_as_nothing(tmp_path: Path) -> None:
    bare = {"id": "x", "title": "X"}
    nulls = dict.fromkeys(("text", "lat", "lon", "image", "place", "date", "language", "hidden"))
    assert (
        read(tmp_path, bare | nulls).contents[0].as_record()
        == read(tmp_path, bare).contents[0].as_record()
    )


def test_bad_lines_are_named_and_the_good_ones_served(tmp_path: Path) -> None:
    good = {"id": "good", "title": "Good"}
    catalogue = read(
        tmp_path,
        good,
        "",
        "{not json",
        {"id": "no-title"},
        {"id": "half", "title": "Half a place", "lat": 1.0},
        {"id": "far", "title": "Far", "lat": 91, "lon": 0},
        {"id": "tag", "title": "Tag", "tags": ["no facet"]},
        {"id": "heavy", "title": "Heavy", "tags": {"a:b": 7}},
        good,
    )
    assert [item.id for item in catalogue.contents] == ["good"]
    for number in (3, 4, 5, 6, 7, 8, 9):
        assert any(f"line {number}:" in problem for problem in catalogue.problems), number
    assert len(catalogue.problems) == 7


def test_a_file_without_a_usable_item_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 1"):
        read(tmp_path, {"id": "x"})
    with pytest.raises(ConfigError, match="No such file"):
        read_catalogue(tmp_path / "missing.jsonl", EMBEDDER)


def test_a_table_is_not_served_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title\n1,One\n")
    with pytest.raises(ConfigError, match="`ai-engine content import` makes a catalogue of it"):
        read_catalogue(path, EMBEDDER)


def test_vectors_that_come_with_the_items_are_taken(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        {"id": "x", "title": "X", "vector": [3, 4]},
        {"id": "y", "title": "Y", "vector": [4, 3]},
    ).contents
    assert cosines(first.vector[None, :], second.vector[None, :])[0, 0] == pytest.approx(
        0.96, abs=1e-3
    )


def test_vectors_of_some_items_only_are_not_mixed_with_others(tmp_path: Path) -> None:
    catalogue = read(
        tmp_path, {"id": "x", "title": "X", "vector": [3, 4]}, {"id": "y", "title": "Y"}
    )
    assert {len(item.vector) for item in catalogue.contents} == {EMBEDDER.dim}
    assert "vector" in catalogue.problems[0]


def test_the_bundled_catalogue_means_something() -> None:
    catalogue = read_catalogue(bundled_catalogue(), EMBEDDER)
    assert catalogue.problems == ()
    assert len(catalogue.contents) >= 80
    openings, endings = set(), set()
    for item in catalogue.contents:
        words = item.text.split()
        assert 60 <= len(words) <= 200, item.id
        assert item.position is not None, item.id
        assert item.date, item.id
        assert item.place, item.id
        facets = {facet_key(tag) for tag in item.tags}
        assert {"themewhat", "placewherecountry", "timewhenperiod"} <= facets, item.id
        openings.add(tuple(words[:3]))
        endings.add(tuple(words[-4:]))
    # No text comes from a template.
    assert len(openings) == len(endings) == len(catalogue.contents)


def test_the_newer_fields_of_a_line_are_understood(tmp_path: Path) -> None:
    line = {
        "id": "a",
        "title": "A",
        "language": "de",
        "popularity": 3,
        "related": ["b"],
        "hidden": True,
        "valid_from": "2026-01-01",
        "valid_until": "2026-01-01T00:00:00.001Z",
        "pinned": 2,
        "apart": "group",
        "together": "pair",
    }
    item, other = read(
        tmp_path, line, {"id": "b", "title": "B", "related": {"a": 0.5}, "apart": ["x", "y"]}
    ).contents
    assert (item.language, item.popularity, item.related) == ("de", 3.0, {"b": 1.0})
    assert item.rules == ContentRules(
        hidden=True,
        valid_from_ms=1_767_225_600_000,
        valid_until_ms=1_767_225_600_001,
        pinned=2,
        apart=("group",),
        together="pair",
    )
    assert (other.related, other.rules.apart) == ({"a": 0.5}, ("x", "y"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"lat": 91, "lon": 0}, "column lat: 91 does not fit: Expected `float` <= 90.0"),
        ({"lon": 1}, "column lat: lat and lon go together"),
        ({"tags": ["a"]}, "column tags: 'a' is not of the form facet:label"),
        ({"valid_from": "soon"}, "column valid_from: 'soon' is no ISO 8601 moment"),
        ({"pinned": 0}, "column pinned: 0 does not fit: Expected `int` >= 1"),
        ({"vector": "AAAA"}, "column vector: 'AAAA' is packed, but no first line names its space"),
        ({"title": 3}, "column title: 3 does not fit: Expected `str`, got `int`"),
    ],
)
def test_a_problem_names_the_field_the_value_and_what_would_do(
    tmp_path: Path, more: Any, message: str
) -> None:
    bad = {"id": "bad", "title": "Bad"} | more
    [problem] = read(tmp_path, {"id": "good", "title": "Good"}, bad).problems
    assert problem.startswith("items.jsonl, line 2: ")
    assert message in problem
