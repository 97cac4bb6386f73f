"""Nobody gets in, and nobody else notices: attacks on the running processes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import LocalStack
from deploy.valkey import valkey_binary
from tests.abuse.attacks import ATTACKS
from tests.abuse.processes import can_measure
from tests.abuse.siege import attack, besieged, learnt


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    if valkey_binary() is None or not can_measure():
        pytest.skip("no Valkey for this machine, or no way to measure a process")
    with tempfile.TemporaryDirectory() as folder, besieged(Path(folder)) as running:
        learnt(running)
        yield running


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_turned_away_and_others_are_answered(
    stack: LocalStack, name: str
) -> None:
    outcome = await attack(stack, name)
    assert outcome.faults() == []
    assert stack.ended() is None
