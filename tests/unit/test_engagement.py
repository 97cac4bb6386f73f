"""How strongly somebody engaged: the formula, and the cases in which it misleads."""

import msgspec
import pytest

from core.config import EngagementConfig
from core.modelling.engagement import Engagement, Evidence, engage, gather
from core.modelling.visits import Visit
from tests.build import NOW_MS, content, event

STORY = content("story")  # read in 20 seconds
CLASSIC = EngagementConfig(ratings="classic", completions="classic", revisits="classic")


def engaged(config: EngagementConfig | None = None, **seen: object) -> Engagement:
    evidence = Evidence(
        **{  # type: ignore[arg-type]
            "content_id": "story",
            "visits": 1,
            "returns": 0,
            "dwell_seconds": None,
            "reason": None,
            "rating": None,
            "explicit": None,
            "last_ms": 0,
        }
        | seen
    )
    return engage(evidence, STORY, config or EngagementConfig())


def test_the_formula_adds_four_weighted_components() -> None:
    one = engaged(CLASSIC, dwell_seconds=30, reason="link", visits=2, rating=4)
    assert one.dwell_ratio == pytest.approx(0.75)
    assert one.completion == 0.6
    assert one.revisit == pytest.approx(1 - 2.718281828**-1)
    assert one.survey == 0.5
    assert one.strength == pytest.approx(0.4 * 0.75 + 0.3 * 0.6 + 0.2 * one.revisit + 0.1 * 0.5)


def test_what_was_not_observed_is_marked_and_counts_nothing() -> None:
    one = engaged()
    assert (one.dwell_ratio, one.completion, one.survey, one.strength) == (None, None, None, 0.0)


def test_a_dwell_past_twice_the_reading_time_counts_no_more() -> None:
    assert engaged(dwell_seconds=40).dwell_ratio == engaged(dwell_seconds=4000).dwell_ratio == 1.0


def test_an_image_takes_time_to_look_at() -> None:
    picture = msgspec.structs.replace(STORY, image="https://example.org/a.jpg")
    evidence = engaged(dwell_seconds=20).evidence
    with_image = engage(evidence, picture, EngagementConfig())
    assert with_image.dwell_ratio == pytest.approx(20 / 21.3 / 2)


def test_an_unknown_item_has_a_nominal_reading_time() -> None:
    evidence = engaged(dwell_seconds=30).evidence
    assert engage(evidence, None, EngagementConfig()).dwell_ratio == 0.5


def test_a_lone_five_star_rating_is_a_like_and_was_neutral() -> None:
    assert engaged(CLASSIC, rating=5).strength == pytest.approx(0.1 + 0.2 * (1 - 2.718281828**-0.5))
    assert engaged(CLASSIC, rating=5).strength < 0.30
    assert engaged(rating=5).strength == 0.30


def test_a_bad_rating_is_a_dislike_however_long_the_read() -> None:
    assert engaged(dwell_seconds=40, reason="next_button", rating=2).strength == -0.05


def test_a_middling_rating_decides_nothing() -> None:
    assert engaged(dwell_seconds=40, rating=3).strength == pytest.approx(0.4)


def test_next_without_reading_is_no_like_and_was_one() -> None:
    assert engaged(CLASSIC, dwell_seconds=0, reason="next_button").strength > 0.30
    skipped = engaged(dwell_seconds=1, reason="next_button")
    assert skipped.completion is None
    assert skipped.strength < 0.05


def test_next_after_some_reading_counts() -> None:
    assert engaged(dwell_seconds=4, reason="next_button").completion == 1.0


def test_a_full_read_that_is_closed_is_a_like_and_was_neutral() -> None:
    assert 0.27 < engaged(CLASSIC, dwell_seconds=20, reason="close_button").strength < 0.30
    closed = engaged(dwell_seconds=20, reason="close_button")
    assert closed.completion is None
    assert closed.strength == pytest.approx(0.35)


def test_closing_early_is_observed_as_not_completed() -> None:
    closed = engaged(dwell_seconds=19, reason="close_button")
    assert closed.completion == 0.0
    assert closed.strength == pytest.approx(0.4 * 19 / 40)


def test_abandoning_is_a_dislike() -> None:
    assert engaged(dwell_seconds=2, reason="abandon").strength <= -0.05


def test_a_first_view_earns_nothing_for_being_a_view() -> None:
    assert engaged(visits=1).strength == 0.0
    assert engaged(CLASSIC, visits=1).strength == pytest.approx(0.2 * (1 - 2.718281828**-0.5))
    assert engaged(visits=2, returns=1).revisit == pytest.approx(1 - 2.718281828**-0.5)


def test_an_explicit_strength_raises_or_lowers() -> None:
    assert engaged(explicit=0.6).strength == 0.6
    assert engaged(explicit=0.2, dwell_seconds=40, reason="next_button").strength == pytest.approx(
        0.7
    )
    assert engaged(explicit=-0.3, dwell_seconds=40).strength == -0.3


@pytest.mark.parametrize("reason", ["next_button", "link", "close_button", "abandon", None])
@pytest.mark.parametrize("rating", [None, 1, 3, 5])
def test_a_strength_stays_within_its_bounds(reason: str | None, rating: int | None) -> None:
    for dwell in (None, 0.0, 1.0, 20.0, 1e9):
        one = engaged(dwell_seconds=dwell, reason=reason, rating=rating, visits=50, returns=49)
        assert -1.0 <= one.strength <= 1.0


def test_the_deepest_visit_speaks_for_the_item() -> None:
    look = [
        Visit(content_id="story", last_ms=1, dwell_seconds=20.0, reason="next_button"),
        Visit(content_id="story", last_ms=2, dwell_seconds=2.0, reason="abandon"),
    ]
    [evidence] = gather(look, []).values()
    assert (evidence.dwell_seconds, evidence.reason, evidence.returns) == (20.0, "next_button", 0)
    assert engage(evidence, STORY, EngagementConfig()).strength >= 0.30


def test_abandoning_again_and_again_stays_a_dislike() -> None:
    look = [
        Visit(content_id="story", last_ms=at, dwell_seconds=4.0, reason="abandon")
        for at in range(4)
    ]
    [evidence] = gather(look, []).values()
    assert engage(evidence, STORY, EngagementConfig()).strength <= -0.05


def test_an_action_without_a_strength_of_its_own_takes_no_strength_away() -> None:
    shared = event("interaction", "story", strength=0.7, ts_ms=NOW_MS - 1000)
    zoomed = event("interaction", "story", ts_ms=NOW_MS)
    [evidence] = gather([], [shared, zoomed]).values()
    assert (evidence.explicit, evidence.last_ms) == (0.7, NOW_MS)
