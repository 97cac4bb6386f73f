"""Keys: where they are found, several at once, and who may ask for what."""

from base64 import b64encode

import pytest
from starlette.datastructures import Headers

from core.http.access import AccessPolicy, Rule, is_loopback
from core.http.keys import KeyRing, presented_keys
from core.http.operation import Access

SECRET = "s3cret-ключ"


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
    assert (KeyRing("plain-key").find(presented) is not None) is admitted


def test_a_user_name_is_no_key_where_only_bearers_are_meant() -> None:
    headers = Headers({"Authorization": basic("plain-key:")})
    assert KeyRing("plain-key").find(presented_keys(headers)) is None


def test_a_key_with_a_colon_and_one_beyond_ascii_are_keys_too() -> None:
    for key in ("a:b", SECRET):
        for pair in (f"{key}:", f"rudder:{key}"):
            headers = Headers({"Authorization": basic(pair)})
            assert KeyRing(key).find(presented_keys(headers, basic=True)) == 0
    raw = Headers(raw=[(b"x-api-key", SECRET.encode())])
    assert KeyRing(SECRET).find(presented_keys(raw)) == 0


def test_while_keys_are_exchanged_the_old_and_the_new_one_are_valid() -> None:
    ring = KeyRing(" new-key , old-key,")
    assert ring.find([b"new-key"]) == 0
    assert ring.find([b"wrong", b"old-key"]) == 1
    assert ring.find([b""]) is None
    assert ring.find([b" new-key "]) is None
    assert ring.find([b"new-key , old-key"]) is None


def test_no_key_is_one_that_nobody_can_present() -> None:
    for text in ("", "  "):
        assert KeyRing(text).is_empty
        assert KeyRing(text).find([b"", b" "]) is None


@pytest.mark.parametrize("text", [",", " , ,"])
def test_nothing_but_commas_is_refused_as_it_would_open_what_was_to_be_closed(text: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        KeyRing(text)


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
