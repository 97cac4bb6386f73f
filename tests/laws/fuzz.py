"""`python -m tests.laws.fuzz --inputs N --seed S`: the webhook against any request.

The same requests and laws as the tests, many more of them. It stops at the
first one that breaks a law and leaves it in build/fuzz-failure.bin.
"""

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import msgspec

from tests.laws.fuzz_laws import Judge
from tests.laws.fuzz_requests import Sent, request

FAILURE = Path("build/fuzz-failure.bin")


def main(arguments: list[str]) -> int:
    """Run what the arguments name; 1 at the first failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.laws.fuzz")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many requests")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same requests")
    parser.add_argument("--replay", type=Path, help="a file that a failure has left")
    given = parser.parse_args(arguments)
    judge, started = Judge(), time.monotonic()
    passed = asyncio.run(judge_all(judge, _replayed(given.replay) or _drawn(given), FAILURE))
    seen = " ".join(f"{name}={count}" for name, count in sorted(judge.seen.items()))
    seconds = time.monotonic() - started
    sys.stdout.write(f"seed={given.seed} inputs={judge.inputs} {seen} seconds={seconds:.1f}\n")
    return 0 if passed else 1


def _drawn(given: argparse.Namespace) -> Iterator[Sent]:
    dice = Random(given.seed)  # noqa: S311 - a run that can be repeated
    return (request(dice) for _ in range(given.inputs))


def _replayed(failure: Path | None) -> list[Sent]:
    if failure is None:
        return []
    return [msgspec.msgpack.decode(failure.read_bytes(), type=Sent)]


async def judge_all(judge: Judge, requests: Iterable[Sent], failure: Path) -> bool:
    """Whether every request keeps the laws; the first that does not is left in a file."""
    for number, sent in enumerate(requests):
        try:
            await judge.judge(sent)
        except Exception:  # whatever it is, it is what was looked for
            traceback.print_exc()
            _keep(sent, number, failure)
            return False
    return True


def _keep(sent: Sent, number: int, failure: Path) -> None:
    failure.parent.mkdir(exist_ok=True)
    failure.write_bytes(msgspec.msgpack.encode(sent))
    sys.stderr.write(f"request {number} to {sent.path}: {b''.join(sent.chunks)[:200]!r}\n")
    sys.stderr.write(f"replay: python -m tests.laws.fuzz --replay {failure}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
