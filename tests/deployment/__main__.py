"""`python -m tests.deployment`: makes the image in a folder and runs compose.yaml's processes.

What is checked is what git has, not what lies around: HEAD, as .dockerignore
lets the build see it. The steps are those of the Containerfile, the commands,
variables and health checks those of compose.yaml, Redis is the embedded Valkey
with compose.yaml's options.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployment.context import is_sent, read_rules
from tests.deployment.files import TOP, stages
from tests.deployment.image import FolderImage
from tests.deployment.running import check_processes, say


def main() -> int:
    """Check everything; the first thing that is wrong ends it with its traceback."""
    with TemporaryDirectory(prefix="ai-engine-image-") as name:
        folder = Path(name)
        source, context = folder / "source", folder / "context"
        _check_out(source)
        _send(source, context)
        started = time.monotonic()
        image = FolderImage(folder / "image")
        image.make(stages(source), context)
        say("made by the steps of the Containerfile", f"{time.monotonic() - started:.0f} s")
        _check_contents(image)
        before = image.contents()
        check_processes(image, source, folder)
        if changed := set(image.contents().items()) ^ set(before.items()):
            raise AssertionError(f"the processes wrote into the image: {sorted(changed)}")
        say("files written by the processes", "none")
    sys.stdout.write("the image's commands work; no engine was here to build or start it\n")
    return 0


def _check_out(target: Path) -> None:
    commit = ["git", "-C", str(TOP), "rev-parse", "--short", "HEAD"]
    say("commit", subprocess.check_output(commit, text=True).strip())
    packed = subprocess.check_output(["git", "-C", str(TOP), "archive", "HEAD"])  # noqa: S607
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(target, filter="data")


def _send(source: Path, context: Path) -> None:
    rules = read_rules((source / ".dockerignore").read_text(encoding="utf-8"))
    files = [path for path in source.rglob("*") if path.is_file()]
    sent = [path for path in files if is_sent(path.relative_to(source).as_posix(), rules)]
    for path in sent:
        target = context / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    say("files that the build sees", f"{len(sent)} of {len(files)}")


def _check_contents(image: FolderImage) -> None:
    if image.command[0] not in image.output(image.command):
        raise AssertionError("the default command does not say what there is")
    for tool in ("pip", "setuptools", "tests"):
        found = image.output(
            ["python", "-c", f"import importlib.util as u; print(u.find_spec({tool!r}))"]
        )
        if found.strip() != "None":
            raise AssertionError(f"{tool} is in the image: {found}")
    size = sum(path.stat().st_size for path in image.root.rglob("*") if not path.is_symlink())
    say("size without the base", f"{size / 1e6:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
