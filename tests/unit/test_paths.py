"""Paths of a plan: what they find in objects, in lists on the way, and where nothing is."""

from typing import Any

import pytest

from core.normalizing.paths import CompiledPaths, Places, compile_paths
from core.plan import PlanPaths


def compiled(*content: str) -> CompiledPaths:
    return compile_paths(PlanPaths(content=content), PlanPaths())


@pytest.mark.parametrize(
    ("event", "first", "every"),
    [
        ({"a": {"b": {"c": 1}}}, 1, [1]),
        ({"a": {"b": {"c": [1, 2]}}}, [1, 2], [1, 2]),
        ({"a": {"b": {"c": None}}}, None, []),
        ({"a": {"b": [{"c": 1}, {"d": 0}, 7, {"c": [2, 3]}]}}, None, [1, 2, 3]),
        ({"a": [{"b": {"c": 1}}, {"b": [{"c": 2}]}, [{"b": {"c": 3}}]]}, None, [1, 2, 3]),
        ({"a": {"b": "text"}}, None, []),
        ({"a": 5}, None, []),
        ({}, None, []),
    ],
)
def test_a_value_is_found_and_a_list_on_the_way_is_gone_through(
    event: dict[str, Any], first: Any, every: list[Any]
) -> None:
    paths = compiled("a.b.c")
    places = Places(event, paths)
    assert places.first(paths.content) == first
    assert [value for end in paths.content for value in places.every(end)] == every


def test_the_first_path_that_leads_anywhere_wins() -> None:
    paths = compiled("a.b", "a", "c")
    for event, found in (({"a": {"b": 1}, "c": 2}, 1), ({"a": 3, "c": 2}, 3), ({"c": 2}, 2)):
        assert Places(event, paths).first(paths.content) == found


def test_an_object_on_several_ways_is_looked_up_once() -> None:
    paths = compiled("a.b.c", "a.b.d", "a.e")
    assert [key for _, key in paths.ways] == ["a", "b"]


def test_an_event_without_paths_of_its_own_has_the_general_ones() -> None:
    paths = compile_paths(PlanPaths(content=("own",)), PlanPaths(content=("all",), rating=("r",)))
    places = Places({"own": 1, "all": 2, "r": 3}, paths)
    assert (places.first(paths.content), places.first(paths.rating)) == (1, 3)
