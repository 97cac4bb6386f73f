"""Makes the image in a folder, without an engine, by the steps of the Containerfile itself.

The folder stands for the root: every absolute path of a step is taken beneath
it. A stage begins with an empty root and the interpreter that runs us, and
what its `COPY --from` does not name is not there. What a folder cannot show:
the base image, the user, and a root that is really read-only.
"""

import json
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.deployment.containerfile import Stage, Step

_PATH = re.compile(r"(?<![\w.$}/-])/(?=[a-z])")
_OF_THIS_MACHINE = ("PIP_", "SSL_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy")
"""How pip reaches its packages from here; nothing else of our environment gets in."""
_ONLY_FOR_ENGINES = ("EXPOSE", "STOPSIGNAL", "USER")


class FolderImage:
    """The image as a folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made yet."""
        self._folder = folder
        self.root = folder / "root"
        self.environ: dict[str, str] = {}
        self.workdir = self.root
        self.command: list[str] = []

    def make(self, stages: Sequence[Stage], context: Path) -> None:
        """Run all stages. Raises: AssertionError with what a step that failed said."""
        for stage in stages:
            self.root.mkdir(parents=True)
            self.workdir = self.root
            self.environ = _bare_environ()
            for step in stage.steps:
                self._run(step, context)
            if stage is not stages[-1]:
                self.root.rename(self._folder / stage.name)

    def start(
        self, command: Sequence[str], environ: dict[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """A process of the image, as an engine would start it."""
        with log.open("ab") as file:
            return subprocess.Popen(
                command,
                cwd=self.workdir,
                env=self.environ | environ,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def output(self, command: Sequence[str], environ: dict[str, str] | None = None) -> str:
        """What a command of the image says. Raises: subprocess.CalledProcessError."""
        done = subprocess.run(
            command,
            cwd=self.workdir,
            env=self.environ | (environ or {}),
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        return done.stdout

    def contents(self) -> dict[str, int]:
        """Every file with the time of its last change."""
        files = (path for path in self.root.rglob("*") if not path.is_symlink())
        return {str(path): path.stat().st_mtime_ns for path in files}

    def _run(self, step: Step, context: Path) -> None:
        text = _PATH.sub(f"{self.root}/", step.text)
        if step.word == "RUN":
            self._run_command(text)
        elif step.word == "COPY":
            self._copy(step.text, context)
        elif step.word == "ARG":
            name, default = step.text.split("=", 1)
            self.environ[name] = default
        elif step.word == "ENV":
            for name, value in (word.split("=", 1) for word in shlex.split(text)):
                self.environ[name] = string.Template(value).substitute(self.environ)
        elif step.word == "WORKDIR":
            self.workdir = Path(text)
            self.workdir.mkdir(parents=True, exist_ok=True)
        elif step.word == "CMD":
            self.command = json.loads(step.text)
        elif step.word not in _ONLY_FOR_ENGINES:
            raise ValueError(f"{step.word}: this check does not know how to do that")

    def _run_command(self, text: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=self.workdir,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        if done.returncode != 0:
            raise AssertionError(f"RUN {text}\nended with {done.returncode}:\n{done.stdout}")

    def _copy(self, text: str, context: Path) -> None:
        *sources, wanted = text.split()
        start = context
        if sources[0].startswith("--from="):
            start = self._folder / sources.pop(0).removeprefix("--from=")
        target = self.workdir / wanted if wanted[0] != "/" else self.root / wanted[1:]
        for source in (start / name.lstrip("/") for name in sources):
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(source, target)


def _bare_environ() -> dict[str, str]:
    """What a command gets: the Python of the base image, and the way to the packages."""
    python = Path(sys.base_prefix) / "bin"
    passed = {
        name: value for name, value in os.environ.items() if name.startswith(_OF_THIS_MACHINE)
    }
    return passed | {"PATH": f"{python}:/usr/bin:/bin"}
