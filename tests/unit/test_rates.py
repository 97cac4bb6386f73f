"""Rate limits: how many, when again, and of how many senders they know."""

from hypothesis import given
from hypothesis import strategies as st

from core.http.rates import WINDOW_S, RateLimiter


def admitted_of(limiter: RateLimiter, times_s: list[float], sender: str = "a") -> list[float]:
    return [at_s for at_s in times_s if limiter.take(sender, at_s).admitted]


def test_as_many_as_are_allowed_may_come_at_once_and_no_more() -> None:
    assert len(admitted_of(RateLimiter(60), [5.0] * 100)) == 60


def test_then_one_comes_free_at_a_time() -> None:
    limiter = RateLimiter(60)
    admitted_of(limiter, [0.0] * 60)
    assert not limiter.take("a", 0.5).admitted
    assert limiter.take("a", 1.0).admitted
    assert not limiter.take("a", 1.9).admitted
    assert admitted_of(limiter, [61.0] * 100) == [61.0] * 60


def test_each_sender_has_an_own_bucket() -> None:
    limiter = RateLimiter(1)
    assert [limiter.take(who, 0.0).admitted for who in ("a", "b", 0, 1, "a")] == [
        *[True] * 4,
        False,
    ]


def test_the_answer_says_what_is_left_and_when_to_ask_again() -> None:
    limiter = RateLimiter(3)
    said = [limiter.take("a", 0.0) for _ in range(4)]
    assert [one.remaining for one in said] == [2, 1, 0, 0]
    assert said[0].headers() == {
        "RateLimit-Policy": '"minute";q=3;w=60',
        "RateLimit": '"minute";r=2;t=20',
    }
    assert said[3].headers() == {
        "RateLimit-Policy": '"minute";q=3;w=60',
        "RateLimit": '"minute";r=0;t=60',
        "Retry-After": "20",
    }
    assert limiter.take("a", 20.0).admitted


def test_who_asks_in_vain_waits_no_longer_for_it() -> None:
    limiter = RateLimiter(1)
    limiter.take("a", 0.0)
    for at_s in range(1, WINDOW_S):
        assert not limiter.take("a", float(at_s)).admitted
    assert limiter.take("a", float(WINDOW_S)).admitted


def test_only_so_many_senders_are_remembered_and_who_asks_on_is() -> None:
    limiter = RateLimiter(1, max_senders=3)
    limiter.take("greedy", 0.0)
    for number in range(100):
        limiter.take(f"passing-{number}", 0.0)
        assert not limiter.take("greedy", 0.0).admitted
        assert len(limiter._empty_at_s) <= 3


def test_who_has_waited_is_forgotten() -> None:
    limiter = RateLimiter(60)
    for number in range(50):
        limiter.take(f"passing-{number}", 0.0)
    for step in range(60):
        limiter.take("last", 10.0 + step)
    assert set(limiter._empty_at_s) == {"last"}


@given(st.integers(1, 1000), st.lists(st.floats(0, 300), max_size=200))
def test_in_no_time_do_more_pass_than_the_rate_and_one_bucket(
    per_minute: int, times_s: list[float]
) -> None:
    admitted = admitted_of(RateLimiter(per_minute), sorted(times_s))
    for first, start_s in enumerate(admitted):
        for last in range(first, len(admitted)):
            allowed = per_minute + (admitted[last] - start_s) * per_minute / WINDOW_S
            assert last - first + 1 <= allowed + 1e-3


@given(st.integers(1, 1000), st.lists(st.floats(0, 300), min_size=1, max_size=100))
def test_after_retry_after_the_next_one_passes(per_minute: int, times_s: list[float]) -> None:
    limiter = RateLimiter(per_minute)
    for at_s in sorted(times_s):
        refused = limiter.take("a", at_s)
        while refused.admitted:
            refused = limiter.take("a", at_s)
        assert refused.remaining == 0
        wait_s = int(refused.headers()["Retry-After"])
        assert wait_s <= max(WINDOW_S / per_minute + 1, 1)
    assert limiter.take("a", max(times_s) + wait_s).admitted
