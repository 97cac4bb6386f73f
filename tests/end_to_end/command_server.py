"""`python -m tests.end_to_end.command_server`: forks a process for every command.

A process of its own for each, as a shell starts it, but with everything
imported already: of most commands that is nearly all of their time. A request
is a line of JSON on standard input, its answer the exit code on a line of
standard output.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import qdrant_client  # noqa: F401 - what commands import when they need it

from deploy.cli import main

_SHELL_ADDS = 128
"""A shell shows a process that signal 9 has ended as 137."""


def serve() -> None:
    """Run commands until standard input ends."""
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(wanted)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        print(code if code >= 0 else _SHELL_ADDS - code, flush=True)  # noqa: T201


def _run(wanted: Any) -> None:
    """Be the command, with its environment and its output."""
    os.environ.clear()
    os.environ.update(wanted["environ"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        with Path(wanted[name]).open("wb") as file:
            os.dup2(file.fileno(), number)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    try:
        main(wanted["arguments"], prog_name="ai-engine")
    except SystemExit as exc:
        # Python's own end would take apart all that was imported: a third of a second.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exc.code if isinstance(exc.code, int) else int(exc.code is not None))


if __name__ == "__main__":
    serve()
