"""The short form of the fuzz: `make fuzz` sends many more."""

from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.laws import fuzz
from tests.laws.fuzz_laws import Judge
from tests.laws.fuzz_requests import Sent, request


@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(dice=st.randoms(use_true_random=False))
async def test_no_request_breaks_a_law(dice: Random) -> None:
    await Judge().judge(request(dice))


def test_nor_does_any_of_hundreds_more() -> None:
    assert fuzz.main(["--inputs", "500", "--seed", "4"]) == 0


async def test_a_broken_law_is_found_and_its_request_kept(tmp_path: Path) -> None:
    lost = Sent(
        path="/api/ingest",
        chunks=(b"[{}]",),
        opening=b"[",
        elements=(b"{}",),
        closing=b"]",
        markers=("not there",),
    )
    failure = tmp_path / "failure.bin"
    assert not await fuzz.judge_all(Judge(), [lost], failure)
    assert fuzz._replayed(failure) == [lost]
