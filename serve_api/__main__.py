"""`python -m serve_api`."""

import os
import signal
import sys

# Before numpy: the products here are too small to share, and BLAS threads that
# wait for one another on busy cores make an answer ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before the imports, which take most of a second: as process 1 of a container it
# would not hear SIGTERM without a handler. An exception could get lost in an import.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


from adapters.process import run_process
from serve_api.composition import run_serve, serve_settings

if __name__ == "__main__":
    sys.exit(run_process("serve", serve_settings, run_serve))
