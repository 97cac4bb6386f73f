"""`ai-engine` as an operator starts it: a process a command."""

import atexit
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory

from tests.end_to_end.conftest import ENVIRON

_WITHIN_S = 60


def ai_engine(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; whatever happens, it shows no traceback."""
    words = [str(one) for one in arguments]
    with TemporaryDirectory() as folder:
        paths = {name: str(Path(folder) / name) for name in ("stdout", "stderr")}
        wanted = {"arguments": words, "environ": ENVIRON | environ, **paths}
        code = _server().run(json.dumps(wanted))
        stdout, stderr = (Path(path).read_text(encoding="utf-8") for path in paths.values())
    assert "Traceback" not in stderr, stderr
    return subprocess.CompletedProcess(words, code, stdout, stderr)


class _CommandServer:
    """The process that forks commands, one at a time; it ends with this one."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.command_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(self._process.kill)

    def run(self, wanted: str) -> int:
        """The exit code of a command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{wanted}\n")
        self._process.stdin.flush()
        if not select([self._process.stdout], [], [], _WITHIN_S)[0]:
            self._process.kill()
            raise TimeoutError(f"no end within {_WITHIN_S} s: {wanted}")
        return int(self._process.stdout.readline())


@cache
def _server() -> _CommandServer:
    return _CommandServer()
