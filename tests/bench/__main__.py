"""`python -m tests.bench [--only NAME] [--seconds S]`: every measure beside its ceiling.

Each value has a ceiling that the same run measured in turns with it: what the
machine does at best where the project's part is taken out. The table and
build/bench.json hold name, value, unit, ceiling and ratio. For rates the ratio
is value / ceiling, for latencies ceiling / value, so 1.0 is always the best.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from tests.bench.threads import ONE_THREAD

_INTERRUPTED = 130
_OUTPUT = Path("build/bench.json")


def main(arguments: list[str]) -> int:
    """Run what the arguments name, print the table, write the file."""
    # Before numpy is imported: BLAS reads them once.
    os.environ.update(ONE_THREAD)
    if "numpy" in sys.modules:
        raise RuntimeError("numpy was imported too early to have one thread")
    from adapters.logs import configure_logs  # noqa: PLC0415
    from tests.bench.harness import Effort  # noqa: PLC0415
    from tests.bench.suite import BENCHES, run_benches, table  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument(
        "--only", default="", help=f"benches whose name contains this: {', '.join(BENCHES)}"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="length of each of the five repetitions"
    )
    given = parser.parse_args(arguments)
    if not any(given.only in name for name in BENCHES) or given.seconds <= 0:
        parser.error(f"--only is part of {', '.join(BENCHES)}; --seconds is above 0")
    # Ending us ends the child processes too: as an exception, past every `with`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    configure_logs("json", "warning")
    try:
        rows = run_benches(
            given.only,
            Effort(seconds=given.seconds),
            _OUTPUT,
            say=lambda line: sys.stderr.write(f"{line}\n"),
        )
    except KeyboardInterrupt:
        return _INTERRUPTED
    sys.stdout.write(f"\n{table(rows)}\n\nratio 1.00 is the ceiling; written to {_OUTPUT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
