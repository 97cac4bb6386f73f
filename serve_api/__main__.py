"""`python -m serve_api`."""

import sys

from adapters.process import run_process
from serve_api.composition import run_serve, serve_settings

if __name__ == "__main__":
    sys.exit(run_process("serve", serve_settings, run_serve))
