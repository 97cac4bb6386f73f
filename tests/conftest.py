"""Options and fixtures that every folder of tests may use."""

import os

import pytest

from tests.bench.threads import ONE_THREAD

# Before a test imports numpy: threads that wait for one another on busy cores, beside
# the processes that tests start, take ten times as long as one.
for _name, _count in ONE_THREAD.items():
    os.environ.setdefault(_name, _count)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write the golden files anew; read the diff"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything that a test needs is installed: a skip there is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
