"""`make chaos`, short: every kind of fault, and nothing lost.

A plan of a fixed seed; what happens between two faults is as random as ever.
"""

from pathlib import Path

import pytest

from deploy.valkey import valkey_binary
from tests.chaos.plan import KINDS, LEAST_SECONDS
from tests.chaos.run import run_chaos

SEED = 1


@pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")
@pytest.mark.timeout(240)
def test_whatever_is_killed_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    said: list[str] = []
    report = run_chaos(SEED, seconds=LEAST_SECONDS, folder=tmp_path, say=said.append)
    verdict = report.verdict
    assert verdict.lost == ()
    assert verdict.model_differences == ()
    assert verdict.never_sent == ()
    assert verdict.resurrected == ()
    assert verdict.erased > 10
    assert report.problems == ()
    # A run in which nothing happened proves nothing.
    happened = {name for name, count in report.counts.items() if count}
    assert set(KINDS) <= happened
    assert {"duplicate", "late", "shuffled", "slow", "odd", "poison"} <= happened
    assert {"entries.claimed", "consumer.revived", "users.refreshed"} <= happened
    # A pause in the midst of a refresh takes luck on a busy machine: it is reported, and the
    # laws of two refreshers step through every such moment.
    assert "killed with entries in hand" in happened
    assert {"sent again: 503", "sent again: ConnectError"} <= happened
    assert verdict.accepted == verdict.applied + verdict.dead_lettered
    assert verdict.applied > 2000
    assert verdict.dead_lettered > 20
    assert verdict.links > 100
    assert verdict.duplicates > 50
