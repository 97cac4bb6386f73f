"""The README says of every setting what the code says."""

from pathlib import Path

from core.environment import variables
from core.normalizing.reasons import REJECT_REASONS
from deploy.one_process import OneProcess

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_readme_with_its_default() -> None:
    for name, default in variables(OneProcess):
        shown = f"`{default}`" if str(default) else "unset"
        assert f"| `{name}` | {shown} |" in README, name


def test_every_reason_for_a_rejection_stands_in_the_readme() -> None:
    for reason in REJECT_REASONS:
        assert f"`{reason}`" in README, reason
