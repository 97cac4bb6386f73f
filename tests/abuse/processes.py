"""The memory of a process under attack. Linux only."""

from pathlib import Path

_KB_IN_MB = 1024
_RESET_PEAK = "5"


class Memory:
    """What a process takes, from now on."""

    def __init__(self, pid: int) -> None:
        """Forget the peak that it had."""
        self._folder = Path(f"/proc/{pid}")
        (self._folder / "clear_refs").write_text(_RESET_PEAK)
        self._before_kb = self._read("VmRSS")

    def growth_mb(self) -> float:
        """The highest since, above the beginning."""
        return (self._read("VmHWM") - self._before_kb) / _KB_IN_MB

    def _read(self, name: str) -> int:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise LookupError(name)


def can_measure() -> bool:
    """Whether this system says what a process takes."""
    return Path("/proc/self/clear_refs").exists()
