"""Settings from the environment: defaults, overrides, and every bad one named."""

from typing import Literal

import msgspec
import pytest

from adapters.settings import SharedSettings, read_settings
from core.config import ModelConfig, fingerprint
from core.environment import load, variables
from core.errors import ConfigError


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    share: float = 0.5
    mode: Literal["a", "b"] = "a"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    count: int = 1
    on: bool = False
    names: tuple[str, ...] = ()
    part: Section = Section()


def test_without_variables_everything_is_its_default() -> None:
    assert load(Settings, {}) == Settings()
    assert load(Settings, {"COUNT": "", "PART_SHARE": "  "}) == Settings()


def test_a_variable_is_the_path_of_its_field() -> None:
    environ = {"COUNT": "3", "ON": "true", "NAMES": "x, y", "PART_SHARE": ".25", "PART_MODE": "b"}
    expected = Settings(count=3, on=True, names=("x", "y"), part=Section(share=0.25, mode="b"))
    assert load(Settings, environ) == expected


def test_every_bad_value_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        load(Settings, {"COUNT": "many", "PART_MODE": "c", "PART_SHARE": "1"})
    assert "COUNT='many'" in str(error.value)
    assert "PART_MODE='c'" in str(error.value)
    assert "PART_SHARE" not in str(error.value)


def test_a_misspelt_tunable_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigError, match=r"ENGAGEMENT_HALFLIFE_DAYS.*ENGAGEMENT_HALF_LIFE_DAYS"):
        read_settings(SharedSettings, {"ENGAGEMENT_HALFLIFE_DAYS": "7"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGAGEMENT_HALF_LIFE_DAYS", "0"),
        ("RANKING_RELEVANCE", "1.5"),
        ("RANKING_MMR", "fancy"),
        ("SIGNALS_TOP_TAGS", "0"),
        ("RANKING_DISTRACTOR_PROBABILITY", "-1"),
    ],
)
def test_a_value_out_of_bounds_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read_settings(SharedSettings, {name: value})


def test_every_tunable_of_the_model_can_be_set() -> None:
    names = {name for name, _ in variables(SharedSettings)}
    for name, default in variables(ModelConfig):
        assert name in names
        assert read_settings(SharedSettings, {name: str(default)}).model == ModelConfig()


def test_the_fingerprint_changes_with_any_tunable() -> None:
    changed = read_settings(SharedSettings, {"RANKING_WEIGHTS_GEO": "0.21"}).model
    assert fingerprint(changed) != fingerprint(ModelConfig())
