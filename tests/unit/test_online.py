"""Uplifts of variants, and intervals that hold whenever one looks."""

import numpy as np

from core.evaluating.online import (
    FIRST_MS,
    Person,
    Seen,
    confidence_sequence,
    first_days,
    uplifts,
)


def run(seed: int, people: int, uplift: float) -> tuple[np.ndarray, np.ndarray]:
    """One experiment: where its interval lay after each person. Shape: (people,)."""
    random = np.random.default_rng(seed)
    treated = random.random(people) < 0.3
    earned = random.poisson(0.5 + uplift * treated).astype(np.float64)
    middle, radius = confidence_sequence(treated, earned)
    return middle - radius, middle + radius


def test_who_looks_every_time_is_wrong_no_oftener_than_said() -> None:
    wrong = 0
    for seed in range(300):
        low, high = run(seed, 3000, 0.1)
        wrong += bool(((low > 0.1) | (high < 0.1))[200:].any())
    assert wrong <= 15 + 11, "5 % of 300, and three standard deviations"


def test_an_uplift_that_there_is_is_seen_in_the_end() -> None:
    seen = sum(bool((run(seed, 6000, 0.2)[0] > 0)[200:].any()) for seed in range(20))
    assert seen == 20


def test_a_usual_interval_would_be_wrong_far_oftener() -> None:
    wrong = 0
    for seed in range(300):
        low, high = run(seed, 3000, 0.1)
        middle, count = (low + high) / 2, np.arange(1, 3001)
        usual = 1.96 * np.sqrt(0.5 / 0.7 / count + 0.6 / 0.3 / count)
        wrong += bool((np.abs(middle - 0.1) > usual)[200:].any())
    assert wrong > 45


def answer(person: str, variant: str, at_ms: int, opened: int) -> Seen:
    return Seen(person=person, variant=variant, at_ms=at_ms, opened=opened)


def test_a_person_counts_once_by_their_first_day_when_it_is_over() -> None:
    answers = [
        answer("late", "a", 2 * FIRST_MS, 9),
        answer("ada", "a", 5, 1),
        answer("ada", "a", 6, 0),
        answer("ada", "a", FIRST_MS + 5, 7),
        answer("grace", "b", 1, 2),
        answer("moved", "a", 1, 3),
        answer("moved", "b", 2, 3),
    ]
    found = first_days(answers, until_ms=2 * FIRST_MS)
    assert found == [Person(variant="b", earned=2.0), Person(variant="a", earned=0.5)]


def test_of_few_people_no_uplift_is_told() -> None:
    random = np.random.default_rng(1)
    people = [
        Person(variant="ab"[number % 2], earned=float(random.poisson(1 + number % 2)))
        for number in range(1000)
    ]
    [control, few] = uplifts(people[:150], ["a", "b"])
    assert (control.people, few.people, few.more) == (75, 75, None)
    [control, many] = uplifts(people, ["a", "b"])
    assert control.more is None
    assert many.more is not None
    assert 0 < many.more.low < 1 < many.more.high
