"""`python -m ingest_worker webhook` and `python -m ingest_worker worker`."""

import os
import signal
import sys

# Before numpy: the products here are too small to share, and BLAS threads that
# wait for one another on busy cores make an answer ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before the imports, which take most of a second: as process 1 of a container it
# would not hear SIGTERM without a handler.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


from adapters.process import run_process
from ingest_worker.composition import IngestProcess, ingest_settings, run_webhook


async def run_worker(settings: IngestProcess) -> None:
    """The worker process, which alone imports FastStream."""
    from ingest_worker import worker_composition  # noqa: PLC0415

    await worker_composition.run_worker(settings)


_PROCESSES = {"webhook": run_webhook, "worker": run_worker}


def main(arguments: list[str]) -> int:
    """Run the process that the one argument names."""
    if len(arguments) != 1 or arguments[0] not in _PROCESSES:
        sys.stderr.write(f"usage: python -m ingest_worker {' | '.join(_PROCESSES)}\n")
        return 2
    return run_process(arguments[0], ingest_settings, _PROCESSES[arguments[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
