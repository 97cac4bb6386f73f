"""`python -m ingest_worker webhook`, `worker` or `publisher`."""

import os
import signal
import sys
from functools import partial

# Before numpy: the products here are too small to share, and BLAS threads that
# wait for one another on busy cores make an answer ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before the imports, which take most of a second: as process 1 of a container it
# would not hear SIGTERM without a handler. An exception could get lost in an import.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


from adapters.process import run_process
from ingest_worker.composition import run_webhook
from ingest_worker.process_settings import IngestProcess, ingest_settings


async def run_worker(settings: IngestProcess) -> None:
    """The worker process, which alone imports FastStream."""
    from ingest_worker import worker_composition  # noqa: PLC0415

    await worker_composition.run_worker(settings)


async def run_publisher(settings: IngestProcess, holder: str | None = None) -> None:
    """The publisher's process, or that of a worker's child."""
    from ingest_worker.publishing import composition  # noqa: PLC0415

    await composition.run_publisher(settings, holder)


_PROCESSES = {"webhook": run_webhook, "worker": run_worker, "publisher": run_publisher}


def main(arguments: list[str]) -> int:
    """Run the process that the one argument names; a second one makes it that worker's child."""
    match arguments:
        case [name] if name in _PROCESSES:
            return run_process(name, ingest_settings, _PROCESSES[name])
        case ["publisher", holder]:
            return run_process("publisher", ingest_settings, partial(run_publisher, holder=holder))
    sys.stderr.write(f"usage: python -m ingest_worker {' | '.join(_PROCESSES)}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
