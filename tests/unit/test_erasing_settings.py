"""The settings of erasing: a term longer than the window, and a key of any length."""

import pytest

from core.errors import ConfigError
from deploy.one_process import one_process_settings
from ingest_worker.process_settings import ingest_settings

REDIS = {"REDIS_URL": "redis://unused"}


@pytest.mark.parametrize("days", ["30", "29.5", "7"])
def test_a_term_that_ends_before_the_window_ends_the_start(days: str) -> None:
    for read in (ingest_settings, one_process_settings):
        with pytest.raises(ConfigError, match=r"ERASE_TERM_DAYS=.*SIGNALS_WINDOW_DAYS=30"):
            read(REDIS | {"ERASE_TERM_DAYS": days})


def test_a_term_follows_the_window_that_is_set() -> None:
    settings = ingest_settings(REDIS | {"ERASE_TERM_DAYS": "8", "SIGNALS_WINDOW_DAYS": "7"})
    assert settings.erase_term_ms == 8 * 86_400_000


def test_a_key_may_be_of_any_length_and_two_keys_are_not_one() -> None:
    keys = [
        ingest_settings(REDIS | {"TOMBSTONE_KEY": text}).tombstone_hash_key
        for text in ("k", "x" * 500, "x" * 501)
    ]
    assert {len(key) for key in keys} == {32}
    assert len(set(keys)) == 3
    assert ingest_settings(REDIS).tombstone_hash_key == b""
