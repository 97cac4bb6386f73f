"""What looks personal and what does not, and how it is masked in texts, values and bytes."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.normalizing.masking import masked_json, masked_raw, masked_value
from core.normalizing.personal import is_masked, is_personal, masked

PERSONAL = {
    "ada@example.org": "<e-mail>",
    "Ada.L+x@mail.example.co.uk!": "<e-mail>!",
    "?email=ada%40example.org&x=1": "?email=<e-mail>&x=1",
    "zoë@bücher.example": "<e-mail>",
    "from 198.51.100.7.": "from <ip>.",
    "198.51.100.7:443": "<ip>:443",
    "ip=10.0.0.9|x": "ip=<ip>|x",
    "[2001:db8::7]": "[<ip>]",
    "::ffff:198.51.100.7": "<ip>",
    "call +49 30 1234567 now": "call <phone> now",
    "+1 (555) 010-9999": "<phone>",
    "030 1234567": "<phone>",
    "0171/123 45 67": "<phone>",
}
PLAIN = (
    *("content_1234", "brundibar-terezin", "0d3f3c8e-6a0a-4f7e-9c51-3c1d4a1c2b7e", "1732435200123"),
    *("@museum", "a@b", "ada at example.org", "part-1.2.3.4", "1.2.3.4-beta", "1.2.3", "300.1.1.1"),
    *("10:30:00", "2025-11-24T10:00:00+01:00", "a::b", "aa:bb:cc:dd:ee:ff", "::1", "std::vector"),
    *(
        "01-02-2025",
        "0012345678905",
        "5 + 1234567",
        "in 1945 2000 people",
        "<b>",
        "1+1",
        "52.51,13.37",
    ),
)


@pytest.mark.parametrize(("text", "clean"), PERSONAL.items())
def test_what_looks_personal_gets_a_mark(text: str, clean: str) -> None:
    assert masked(text) == clean
    assert is_personal(text)
    assert is_personal(clean), "what was masked stays nobody's to keep"
    assert is_masked(clean)


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_resembles_it_stays(text: str) -> None:
    assert masked(text) == text
    assert not is_personal(text)


@given(text=st.text() | st.text(alphabet="a1@.:+ 0/<%4-f", max_size=60))
def test_a_second_look_changes_nothing(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_addresses_of_own_networks_may_stay_and_those_of_others_may_not() -> None:
    own = "127.0.0.1:6379 10.1.2.3 172.16.9.9 192.168.0.5 fe80::1234"
    assert masked(own, keep_private=True) == own
    assert masked(own).count("<ip>") == 5
    assert masked("198.51.100.7 2001:db8::7", keep_private=True) == "<ip> <ip>"


def test_values_are_masked_wherever_the_text_is() -> None:
    value = {"ada@example.org": [1, None, {"a": "198.51.100.7"}], "b": 4930123456}
    assert masked_value(value) == {"<e-mail>": [1, None, {"a": "<ip>"}], "b": 4930123456}


def test_json_that_nobody_decodes_is_masked_in_its_texts_and_keeps_the_ids() -> None:
    event = {"userId": "ada@example.org", "x": ["mail\nada@example.org", 1.5], "anonymousId": "é"}
    plain = json.dumps(event)
    for coded in (plain, plain.replace("@", "\\u0040")):
        found = json.loads(masked_json(coded.encode()))
        assert found == {**event, "x": ["mail\n<e-mail>", 1.5]}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (b"{'mail': ada@example.org", b"{'mail': <e-mail>"),
        (b'"\xff ada@example.org', b'"\xff <e-mail>'),
        (b'\\"ada@example.org', b'\\"<e-mail>'),
        (b"<xml ip='198.51.100.7'>\x00", b"<xml ip='<ip>'>\x00"),
        (b"", b""),
    ],
)
def test_what_is_no_json_is_masked_as_it_is(raw: bytes, clean: bytes) -> None:
    assert masked_raw(raw) == clean


@given(raw=st.binary())
def test_bytes_without_anything_personal_stay_byte_for_byte(raw: bytes) -> None:
    raw = raw.translate(None, b"@.:+ /%")
    assert masked_raw(raw) == masked_json(raw) == raw


@pytest.mark.parametrize(
    "piece",
    [
        b"a@",
        b'"\\',
        b'\\"',
        b"1.",
        b"ffff:",
        b"+4 ",
        b"0 123",
        b'"a" ',
        b'"userId" ',
        b"@a.-",
        b"@",
        b"a",
        b"1",
        b"+1",
    ],
)
def test_no_body_takes_more_time_than_its_length(piece: bytes) -> None:
    def best_s(size: int) -> float:
        # The beginning makes every pattern look, and what follows it is looked for in vain.
        body, times = b"@.:: +/ " + piece * (size // len(piece)), []
        for _ in range(3):
            began = time.perf_counter()
            masked_raw(body)
            times.append(time.perf_counter() - began)
        return min(times)

    assert best_s(32_000) < 40 * best_s(4_000) + 0.01, "eight times as long"
