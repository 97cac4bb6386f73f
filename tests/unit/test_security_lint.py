"""The security lint of `make check` sees what it should: a check that cannot fail is none."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOLES = {
    "B602": "import subprocess\nsubprocess.run('ls ' + input(), shell=True)\n",
    "B301": "import pickle\npickle.loads(input().encode())\n",
    "B324": "import hashlib\nhashlib.md5(b'a')\n",
    "B501": "import httpx\nhttpx.get('https://a', verify=False)\n",
    "B105": "password = 'correct horse battery staple'\n",
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_is_found_with_the_settings_of_the_project(hole: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(HOLES[hole])
    config = ROOT / "pyproject.toml"
    found = subprocess.run(
        [sys.executable, "-m", "bandit", "--quiet", "--configfile", config, module],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert hole in found.stdout
