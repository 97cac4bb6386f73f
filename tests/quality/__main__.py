"""`python -m tests.quality`: how good recommendations are, on MovieLens 100K.

Fetches the data set's package, replays its last fifth through the engine's own
code beside tuned baselines, prints every figure and target, and writes
build/quality.json. Exits 1 where a target is missed; a stretch may be.
"""

import os
import sys
from pathlib import Path

from tests.bench.threads import ONE_THREAD

_FOLDER = Path("build/quality")
_OUTPUT = Path("build/quality.json")


def main() -> int:
    """Measure, print, write."""
    # Before numpy is imported, here and in the processes: BLAS reads them once.
    os.environ.update(ONE_THREAD)
    import msgspec  # noqa: PLC0415

    from tests.quality.dataset import fetch  # noqa: PLC0415
    from tests.quality.report import report  # noqa: PLC0415
    from tests.quality.run import measure  # noqa: PLC0415

    outcome = measure(fetch(_FOLDER), say=lambda line: _say(f"{line}\n"))
    _OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))
    sys.stdout.write(f"{report(outcome)}\n\nwritten to {_OUTPUT}\n")
    missed = [one for one in outcome.targets if not one.reached and not one.stretch]
    return 1 if missed else 0


def _say(text: str) -> None:
    sys.stderr.write(text)


if __name__ == "__main__":
    sys.exit(main())
