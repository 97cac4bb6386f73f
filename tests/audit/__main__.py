"""`python -m tests.audit`: is any pinned dependency known to be vulnerable?

pip-audit asks a vulnerability service about everything in the lock files; this
counts what was really answered. Strict, and more so than pip-audit's own way,
which stops at the first package that it cannot ask about: the exit code is 0
only where all were audited and none is vulnerable, and 2 where none was.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.audit.locked import locked

_ROOT = Path(__file__).parents[2]
_LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-minilm.lock")
_OPTIONS = ("--require-hashes", "--disable-pip", "--progress-spinner", "off")
_WITHIN_S = 600
_NOT_CLEAN, _NOT_AUDITED = 1, 2


class Vulnerability(msgspec.Struct, frozen=True):
    """What is known of a version."""

    id: str
    fix_versions: tuple[str, ...] = ()


class Dependency(msgspec.Struct, frozen=True):
    """A package as pip-audit reports it; with a reason where it was skipped."""

    name: str
    version: str = ""
    vulns: tuple[Vulnerability, ...] = ()
    skip_reason: str = ""


class Report(msgspec.Struct, frozen=True):
    """pip-audit's report."""

    dependencies: tuple[Dependency, ...] = ()


def main(arguments: Sequence[str], locks: Sequence[Path]) -> int:
    """Audit the lock files; `arguments` are further ones of pip-audit. Gives the exit code."""
    wanted = {package for lock in locks for package in locked(lock.read_text())}
    report = _audit(arguments, locks)
    audited = {(one.name, one.version) for one in report.dependencies if not one.skip_reason}
    vulnerable = [one for one in report.dependencies if one.vulns]
    for one in report.dependencies:
        if one.skip_reason:
            _say(f"skipped: {one.name}, {one.skip_reason}")
    for one in vulnerable:
        for found in one.vulns:
            fixed = ", ".join(found.fix_versions) or "no version"
            _say(f"vulnerable: {one.name} {one.version}, {found.id}, mended in {fixed}")
    for name, version in sorted(wanted - audited):
        _say(f"not audited: {name} {version}")
    counted = len(wanted & audited)
    _say(f"audited={counted}/{len(wanted)} vulnerable={len(vulnerable)}")
    if not counted:
        _say("not audited")
        return _NOT_AUDITED
    return _NOT_CLEAN if vulnerable or counted < len(wanted) else 0


def _audit(arguments: Sequence[str], locks: Sequence[Path]) -> Report:
    """pip-audit's report; an empty one where it had none."""
    files = [part for lock in locks for part in ("-r", str(lock))]
    command = [sys.executable, "-m", "pip_audit", *_OPTIONS, "-f", "json", *files, *arguments]
    try:
        found = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        _say(f"pip-audit has not ended after {_WITHIN_S} s")
        return Report()
    try:
        return msgspec.json.decode(found.stdout, type=Report)
    except msgspec.DecodeError:
        told = found.stderr.decode(errors="replace").strip().splitlines()
        _say(told[-1][:300] if told else f"pip-audit ended with {found.returncode}")
        return Report()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [_ROOT / name for name in _LOCKS]))
