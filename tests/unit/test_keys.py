"""Keys: where they are found, several at once, and who may ask for what."""

from base64 import b64encode
from collections.abc import Iterable

import pytest
from starlette.datastructures import Headers

from core.http.access import AccessPolicy, Rule, is_loopback
from core.http.keys import Found, Key, KeyRing, presented_keys, setting_keys
from core.http.operation import Access, Right

SECRET = "s3cret-ключ"


def found(text: str, presented: Iterable[bytes]) -> str | None:
    """The name of the key among those of a setting, None where there is none."""
    ring = KeyRing(setting_keys(text, "INGEST_API_KEY", ["ingest"]))
    match = ring.match(presented, "ingest", now_s=0.0)
    return match.key.name if match.key else None


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({"Authorization": "Bearer plain-key"}, True),
        ({"Authorization": "bearer plain-key"}, True),
        ({"Authorization": basic("plain-key:")}, True),
        ({"Authorization": basic("rudder:plain-key")}, True),
        ({"X-API-Key": "plain-key"}, True),
        ({"x-api-key": "plain-key"}, True),
        ({"X-Secret": "plain-key"}, True),
        ({"X-API-Key": "wrong", "Authorization": "Bearer plain-key"}, True),
        ({}, False),
        ({"X-API-Key": ""}, False),
        ({"X-API-Key": "plain-key2"}, False),
        ({"X-API-Key": "plain-key,other"}, False),
        ({"X-Other": "plain-key"}, False),
        ({"Authorization": "Bearer "}, False),
        ({"Authorization": "Basic !!!"}, False),
        ({"Authorization": basic("wrong:wrong")}, False),
        ({"Authorization": "Digest plain-key"}, False),
    ],
)
def test_the_key_is_found_where_a_sender_can_put_it(
    headers: dict[str, str], *, admitted: bool
) -> None:
    presented = presented_keys(Headers(headers), names=("X-API-Key", "X-Secret"), basic=True)
    assert (found("plain-key", presented) is not None) is admitted


def test_a_user_name_is_no_key_where_only_bearers_are_meant() -> None:
    headers = Headers({"Authorization": basic("plain-key:")})
    assert found("plain-key", presented_keys(headers)) is None


def test_a_key_with_a_colon_and_one_beyond_ascii_are_keys_too() -> None:
    for key in ("a:b", SECRET):
        for pair in (f"{key}:", f"rudder:{key}"):
            headers = Headers({"Authorization": basic(pair)})
            assert found(key, presented_keys(headers, basic=True)) == "setting-1"
    raw = Headers(raw=[(b"x-api-key", SECRET.encode())])
    assert found(SECRET, presented_keys(raw)) == "setting-1"


def test_while_keys_are_exchanged_the_old_and_the_new_one_are_valid() -> None:
    keys = " new-key , old-key,"
    assert found(keys, [b"new-key"]) == "setting-1"
    assert found(keys, [b"wrong", b"old-key"]) == "setting-2"
    assert found(keys, [b""]) is None
    assert found(keys, [b" new-key "]) is None
    assert found(keys, [b"new-key , old-key"]) is None


def test_no_key_is_one_that_nobody_can_present() -> None:
    for text in ("", "  "):
        assert setting_keys(text, "INGEST_API_KEY", ["ingest"]) == ()
        assert found(text, [b"", b" "]) is None


@pytest.mark.parametrize("text", [",", " , ,"])
def test_nothing_but_commas_is_refused_as_it_would_open_what_was_to_be_closed(text: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        setting_keys(text, "INGEST_API_KEY", ["ingest"])


RING = KeyRing(
    [
        Key.of("one", "sender", ["ingest"]),
        Key.of("two", "app", ["recommend", "personal"], expires_s=100.0),
    ]
)


@pytest.mark.parametrize(
    ("presented", "right", "now_s", "expected", "name"),
    [
        ([], "ingest", 0.0, "missing", None),
        ([b""], "ingest", 0.0, "missing", None),
        ([b"three"], "ingest", 0.0, "wrong", None),
        ([b"one"], "ingest", 0.0, "granted", "sender"),
        ([b"one"], "operate", 0.0, "forbidden", "sender"),
        ([b"two"], "personal", 99.9, "granted", "app"),
        ([b"two"], "personal", 100.0, "expired", "app"),
        ([b"two", b"one"], "ingest", 0.0, "granted", "sender"),
        ([b"one", b"two"], "ingest", 0.0, "granted", "sender"),
        ([b"one", b"wrong"], "recommend", 0.0, "forbidden", "sender"),
        ([b"one", b"two"], "recommend", 100.0, "forbidden", "sender"),
    ],
)
def test_of_what_is_presented_the_best_counts(
    presented: list[bytes], right: Right, now_s: float, expected: Found, name: str | None
) -> None:
    match = RING.match(presented, right, now_s=now_s)
    assert (match.found, match.key and match.key.name) == (expected, name)


def test_a_key_that_could_be_guessed_is_known_as_such() -> None:
    assert Key.of("x" * 15, "a", ["ingest"]).is_short
    assert not Key.of("x" * 16, "a", ["ingest"]).is_short


def test_nothing_of_a_key_is_shown_by_what_holds_it() -> None:
    assert SECRET not in repr(Key.of(SECRET, "a", ["ingest"]))


KEYS, LOCAL, STRICT = {"has_keys": True}, {"is_local": True}, {"require_key": True}


@pytest.mark.parametrize(
    ("setup", "access", "rule"),
    [
        ({}, "open", "open"),
        (KEYS | STRICT, "open", "open"),
        ({}, "recommend", "open"),
        (KEYS, "recommend", "open"),
        (KEYS | STRICT, "recommend", "key"),
        (STRICT | LOCAL, "recommend", "closed"),
        ({}, "personal", "closed"),
        (LOCAL, "personal", "local"),
        (KEYS, "personal", "key"),
        (KEYS | LOCAL, "personal", "key"),
        ({}, "ingest", "open"),
        (KEYS, "ingest", "key"),
        ({}, "operate", "closed"),
        (LOCAL, "operate", "local"),
        (KEYS, "operate", "key"),
        (KEYS | LOCAL, "operate", "key"),
    ],
)
def test_who_may_ask_follows_from_the_operation_and_the_settings(
    setup: dict[str, bool], access: Access, rule: Rule
) -> None:
    assert AccessPolicy(**setup).rule(access) == rule


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("10.0.0.1", False),
        ("127.example.org", False),
        ("", False),
    ],
)
def test_only_an_address_of_this_machine_is_local(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback
