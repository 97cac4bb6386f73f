"""Every test that the promises name is there."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_each_promise_names_a_test_that_exists() -> None:
    named = _NAMED.findall((_ROOT / "ingest_worker/PROMISES.md").read_text())
    assert named
    for path, test in named:
        source = (_ROOT / path).read_text()
        assert not test or f"def {test}(" in source, f"{path}::{test}"
