"""The gate: which keys pass, and how wrong ones are slowed down without locking anybody out."""

from hypothesis import given
from hypothesis import strategies as st

from core.http.access import AccessPolicy
from core.http.gate import Gate
from core.http.keys import Key
from core.http.senders import sender_of
from tests.gates import Seen, gate_of

WITH_KEYS = AccessPolicy(has_keys=True)
RIGHT, WRONG = b"the-right-key", b"a-wrong-key"


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def gate(clock: Clock, seen: Seen | None = None, failures: int = 3) -> Gate:
    key = Key.of(RIGHT.decode(), "sender", ["ingest"], expires_s=1000.0)
    return gate_of(WITH_KEYS, key, failures=failures, seen=seen, now_s=clock)


def test_past_so_many_wrong_keys_a_minute_further_ones_are_told_to_come_later() -> None:
    clock = Clock()
    one = gate(clock)
    judged = [one.judge("ingest", [WRONG], "here") for _ in range(5)]
    assert [entry.verdict for entry in judged] == [*["wrong"] * 3, "throttled", "throttled"]
    assert judged[3].retry_after_s == 20
    assert one.judge("ingest", [WRONG], "elsewhere").verdict == "wrong"
    clock.now_s = 20.0
    assert one.judge("ingest", [WRONG], "here").verdict == "wrong"
    assert one.judge("ingest", [WRONG], "here").verdict == "throttled"


def test_a_right_key_passes_whatever_else_comes_from_there() -> None:
    one = gate(Clock())
    for _ in range(100):
        one.judge("ingest", [WRONG], "proxy")
    assert one.judge("ingest", [RIGHT], "proxy").verdict == "granted"
    assert one.judge("ingest", [WRONG, RIGHT], "proxy").verdict == "granted"
    assert one.judge("operate", [RIGHT], "proxy").verdict == "forbidden"


def test_a_missing_key_is_no_attempt_and_an_expired_one_is() -> None:
    clock = Clock()
    one = gate(clock)
    for _ in range(100):
        assert one.judge("ingest", [], "here").verdict == "missing"
        assert one.judge("ingest", [b""], "here").verdict == "missing"
    clock.now_s = 1000.0
    judged = [one.judge("ingest", [RIGHT], "here").verdict for _ in range(4)]
    assert judged == [*["expired"] * 3, "throttled"]


def test_where_no_key_is_asked_for_a_wrong_one_is_not_counted() -> None:
    seen = Seen()
    key = Key.of(RIGHT.decode(), "sender", ["personal"])
    one = gate_of(WITH_KEYS, key, failures=1, seen=seen)
    for _ in range(3):
        one.judge("recommend", [WRONG], "here")
    one.judge("recommend", [RIGHT], "here")
    assert [(entry.verdict, entry.key) for entry in seen.entries] == [
        *[("unasked", None)] * 3,
        ("unasked", "sender"),
    ]
    assert one.judge("personal", [WRONG], "here").verdict == "wrong"


def test_every_request_is_reported_by_the_name_of_its_key() -> None:
    seen = Seen()
    one = gate(Clock(), seen, failures=1)
    for presented in ([RIGHT], [WRONG], [WRONG], []):
        one.judge("ingest", presented, "here")
    assert [(entry.key, entry.verdict) for entry in seen.entries] == [
        ("sender", "granted"),
        (None, "wrong"),
        (None, "throttled"),
        (None, "missing"),
    ]


def test_only_so_many_addresses_are_remembered() -> None:
    one = gate(Clock(), failures=1)
    for number in range(20_000):
        one.judge("ingest", [WRONG], number)
    assert len(one._failures._empty_at_s) <= 10_000


@given(st.lists(st.binary(max_size=20)))
def test_nothing_but_the_key_passes(presented: list[bytes]) -> None:
    verdict = gate(Clock(), failures=1000).judge("ingest", presented, "here").verdict
    assert (verdict == "granted") is (RIGHT in presented)


def test_of_an_ipv6_address_the_network_is_the_sender() -> None:
    assert sender_of("2001:db8::1") == sender_of("2001:db8::ffff:1")
    assert sender_of("2001:db8::1") != sender_of("2001:db8:0:1::1")
    assert sender_of("192.0.2.1") != sender_of("192.0.2.2")
    assert sender_of("fe80::1%eth0") == sender_of("fe80::2%eth0")
    assert sender_of("::ffff:192.0.2.1") == sender_of("192.0.2.1") != sender_of("::ffff:192.0.2.2")
    assert sender_of("") == ""
