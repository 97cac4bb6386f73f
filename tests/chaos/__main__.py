"""`python -m tests.chaos [--seed N] [--seconds S] [--json FILE]`: does it lose nothing?

Runs webhook, two workers and read API over a real server under load, kills,
stops, pauses and flushes at random but reproducible from the seed, and at the
end compares what was answered with 200 with what is stored. Prints one line;
exits with 1 where anything is lost, differs, or was never sent.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

import msgspec

from adapters.logs import configure_logs
from tests.chaos.plan import LEAST_SECONDS
from tests.chaos.run import Report, run_chaos

_INTERRUPTED = 130
_SHOWN = 10


def main(arguments: list[str]) -> int:
    """Run, print the line, and on stderr everything else."""
    given = _arguments(arguments)
    seed = given.seed if given.seed is not None else SystemRandom().randrange(1_000_000)
    # Ending us ends the child processes too: as an exception, past every `with`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    configure_logs("json", "warning")
    folder = Path(tempfile.mkdtemp(prefix="ai-engine-chaos-"))
    try:
        report = run_chaos(seed, seconds=given.seconds, folder=folder, say=_say)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        return _INTERRUPTED
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    _explain(report)
    sys.stdout.write(f"{report.verdict}\n")
    if report.is_clean:
        shutil.rmtree(folder)
        return 0
    _say(f"logs and data are in {folder}; again with --seed {seed} --seconds {given.seconds:g}")
    return 1


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, help="of the plan and the load; drawn if not given")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long the load lasts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    given = parser.parse_args(arguments)
    if given.seconds < LEAST_SECONDS:
        parser.error(f"--seconds is {LEAST_SECONDS:.0f} or more")
    return given


def _explain(report: Report) -> None:
    for what, count in report.counts.items():
        _say(f"{count:7} {what}")
    verdict = report.verdict
    for title, lines in (
        ("lost", verdict.lost),
        ("model differs", verdict.model_differences),
        ("never sent", verdict.never_sent),
        ("resurrected", verdict.resurrected),
        ("problem", report.problems),
    ):
        _list(title, lines)


def _list(title: str, lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN]:
        _say(f"{title}: {line}")
    if len(lines) > _SHOWN:
        _say(f"{title}: and {len(lines) - _SHOWN} more")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
