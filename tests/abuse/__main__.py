"""`python -m tests.abuse [--only NAME]`: what each attack gets, costs and spoils.

One line an attack: what it was answered, how long it took, how much the process
that grew most took more of memory, and what others waited meanwhile.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.abuse.attacks import ATTACKS
from tests.abuse.siege import Outcome, attack, besieged, learnt
from tests.abuse.wire import CLOSED, OPEN

_WORDS = {CLOSED: "closed", OPEN: "open"}


def main(arguments: list[str]) -> int:
    """Run what the arguments name and print the table; 1 where anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse")
    parser.add_argument("--only", default="", help=f"of: {', '.join(ATTACKS)}")
    only = parser.parse_args(arguments).only
    outcomes = []
    with tempfile.TemporaryDirectory() as folder, besieged(Path(folder)) as stack:
        learnt(stack)
        for name in ATTACKS:
            if only in name:
                outcomes.append(asyncio.run(attack(stack, name)))
                sys.stdout.write(f"{_line(outcomes[-1])}\n")
                sys.stdout.flush()
    return int(any(one.faults() for one in outcomes))


def _line(one: Outcome) -> str:
    answers = ", ".join(
        f"{count} x {_WORDS.get(status, status)}" for status, count in sorted(one.answers.items())
    )
    faults = f" FAULT: {'; '.join(one.faults())}" if one.faults() else ""
    asked = sum(one.in_order.values())
    return (
        f"{one.attack:26} {answers:34} {one.seconds:5.1f} s  {one.growth_mb:+6.1f} MB  "
        f"{asked} others, slowest {one.slowest_s * 1000:.0f} ms{faults}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
