"""Every test that the promises and the page of threats name is there."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize(
    "page", ["ingest_worker/PROMISES.md", "deploy/THREATS.md", "deploy/LEARNING.md"]
)
def test_each_line_names_a_test_that_exists(page: str) -> None:
    named = _NAMED.findall((_ROOT / page).read_text())
    assert named
    for path, test in named:
        source = (_ROOT / path).read_text()
        assert not test or f"def {test}(" in source, f"{path}::{test}"


def test_no_line_of_the_threats_is_without_a_test() -> None:
    page = (_ROOT / "deploy/THREATS.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(lines) > 10
    assert all(_NAMED.search(line) for line in lines)
