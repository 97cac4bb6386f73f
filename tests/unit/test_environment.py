"""Settings from the environment: defaults, overrides, and every bad one named."""

from pathlib import Path
from typing import Literal

import msgspec
import pytest

from adapters.secret_files import with_secrets
from adapters.settings import SharedSettings, read_settings
from core.config import ModelConfig, fingerprint
from core.environment import SECRETS, load, variables
from core.errors import ConfigError
from deploy.one_process import OneProcess


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


class Secretive(msgspec.Struct, frozen=True, kw_only=True):
    redis_url: int = 0
    """Of a type that can be wrong, as no secret setting so far is."""


def test_a_secret_that_cannot_be_used_is_named_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="REDIS_URL") as error:
        load(Secretive, {"REDIS_URL": "hunter2"})
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["redis://:hunter2/hunter3@host:6379", "http://:hunter2@host", "redis://hunter2[@host"]
)
def test_a_url_with_a_password_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="REDIS_URL") as error:
        read_settings(SharedSettings, {"REDIS_URL": url})
    assert "hunter" not in str(error.value)


def test_what_is_secret_is_every_setting_that_sounds_like_it() -> None:
    named = {
        name
        for name, default in variables(OneProcess)
        if isinstance(default, str) and name.endswith(("_KEY", "_PASSWORD", "_SECRET", "_TOKEN"))
    }
    assert named <= SECRETS


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_may_lie_in_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" redis://:hunter2@host:6379\n")
    assert with_secrets({f"{name}_FILE": str(file), "OTHER_FILE": "x"}) == {
        name: "redis://:hunter2@host:6379",
        "OTHER_FILE": "x",
    }
    assert with_secrets({f"{name}_FILE": "", name: "y"}) == {name: "y"}
    with pytest.raises(ConfigError, match=f"{name} and {name}_FILE are both set") as error:
        with_secrets({f"{name}_FILE": str(file), name: "hunter3"})
    assert "hunter" not in str(error.value)


def test_every_process_reads_secrets_from_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("redis://:hunter2@host:6379\n")
    settings = read_settings(SharedSettings, {"REDIS_URL_FILE": str(file)})
    assert settings.redis_url == "redis://:hunter2@host:6379"


def test_secret_files_that_cannot_be_used_are_named_together(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n")
    binary.write_bytes(b"\xff")
    environ = {
        "INGEST_API_KEY_FILE": str(empty),
        "SERVE_API_KEY_FILE": str(binary),
        "REDIS_URL_FILE": str(tmp_path / "missing"),
        "QDRANT_API_KEY_FILE": str(tmp_path),
    }
    with pytest.raises(ConfigError) as error:
        with_secrets(environ)
    assert all(name in str(error.value) for name in environ)


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
