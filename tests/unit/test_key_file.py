"""The file of keys: what stands in it, and how every mistake is told without showing a key."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.http.key_file import read_keys
from core.http.keys import Key

SECRET = "lsirGrT3aQQvGTeD29Vb1ZaTVsHaYD82Qx3S3BcO4j4"
DIGEST = sha256(SECRET.encode()).hexdigest()
DAY_S = 1_801_440_000.0
"""The first of February 2027, in UTC."""


def keys_of(text: str) -> dict[str, Key]:
    return {key.name: key for key in read_keys(text.encode())}


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_keys(text.encode())
    assert SECRET not in str(caught.value)
    assert DIGEST not in str(caught.value)
    return str(caught.value)


def test_a_key_is_known_by_its_digest_or_by_itself() -> None:
    found = keys_of(
        f'[keys.by-digest]\nsha256 = "{DIGEST.upper()}"\nrights = ["ingest"]\n'
        f'[keys.itself]\nkey = " {SECRET[::-1]} "\nrights = ["recommend", "personal"]\n'
    )
    assert found["by-digest"].digest == sha256(SECRET.encode()).digest()
    assert found["by-digest"].rights == {"ingest"}
    assert found["itself"].digest == sha256(SECRET[::-1].encode()).digest()
    assert found["itself"].rights == {"recommend", "personal"}


@pytest.mark.parametrize(
    ("expires", "expires_s"),
    [
        ("2027-01-31", DAY_S),
        ("2027-01-31T12:00:00", DAY_S - 43_200),
        ("2027-01-31T13:00:00+01:00", DAY_S - 43_200),
        ("9999-12-31", 253_402_300_800.0),
    ],
)
def test_a_day_counts_to_its_end_and_a_time_without_a_zone_is_utc(
    expires: str, expires_s: float
) -> None:
    text = f'[keys.a]\nsha256 = "{DIGEST}"\nrights = ["ingest"]\nexpires = {expires}\n'
    assert keys_of(text)["a"].expires_s == expires_s


def test_a_table_without_keys_has_none_and_an_empty_file_is_refused() -> None:
    assert keys_of("[keys]\n") == {}
    for text in ("", "\n", "# nothing\n"):
        assert "no table [keys]" in refusal(text)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f'sha256 = "{DIGEST}"\nkey = "{SECRET}"\nrights = ["ingest"]', "one of sha256 and key"),
        ('rights = ["ingest"]', "one of sha256 and key"),
        (f'sha256 = "{SECRET}"\nrights = ["ingest"]', "64 hex digits"),
        (f'sha256 = "{DIGEST}0"\nrights = ["ingest"]', "64 hex digits"),
        ('key = " "\nrights = ["ingest"]', "not empty"),
        (f'key = ["{SECRET}"]\nrights = ["ingest"]', "not empty"),
        (f'sha256 = "{DIGEST}"', "rights must be"),
        (f'sha256 = "{DIGEST}"\nrights = []', "rights must be"),
        (f'sha256 = "{DIGEST}"\nrights = "ingest"', "rights must be"),
        (f'sha256 = "{DIGEST}"\nrights = ["{SECRET}"]', "rights must be"),
        (f'sha256 = "{DIGEST}"\nrights = [["ingest"]]', "rights must be"),
        (f'sha256 = "{DIGEST}"\nrights = ["ingest"]\nexpires = "{SECRET}"', "without quotes"),
        (f'sha256 = "{DIGEST}"\nrights = ["ingest"]\nexpires = 12:00:00', "without quotes"),
        (f'sha256 = "{DIGEST}"\nrights = ["ingest"]\n{SECRET} = 1', "something else"),
    ],
)
def test_each_mistake_is_told_with_the_name_of_the_key(entry: str, said: str) -> None:
    problem = refusal(f"[keys.mine]\n{entry}\n")
    assert problem.startswith("keys.mine: ")
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'[keys]\nmine = "{SECRET}"\n', "must be a table"),
        (f'[keys."{SECRET}"]\nrights = ["ingest"]\n', "key number 1"),
        (f'[keys.setting-1]\nsha256 = "{DIGEST}"\nrights = ["ingest"]\n', "key number 1"),
        (f'[keys]\n[{SECRET}]\nrights = ["ingest"]\n', "something else"),
        (f'keys = ["{SECRET}"]\n', "no table [keys]"),
        (f"[keys.a]\nkey = {SECRET}\n", "no TOML (at line 2"),
        (f'[keys.a]\nkey = "{SECRET}\n', "no TOML (at line 2"),
    ],
)
def test_what_is_no_file_of_keys_is_told_so(text: str, said: str) -> None:
    assert said in refusal(text)


def test_all_mistakes_are_told_at_once_and_two_names_for_one_key_are_one() -> None:
    entry = f'sha256 = "{DIGEST}"\nrights = ["ingest"]\n'
    problem = refusal(f"[keys.a]\n{entry}[keys.b]\n{entry}[keys.c]\n[keys.d]\n")
    for named in ("keys.b is the same key as keys.a", "keys.c: ", "keys.d: "):
        assert named in problem


@given(st.binary() | st.text().map(lambda text: f"[keys.a]\n{text}".encode()))
def test_whatever_the_file_holds_it_is_read_or_refused(content: bytes) -> None:
    try:
        read_keys(content)
    except ConfigError as exc:
        assert str(exc)  # noqa: PT017
