"""The image: what is in it, as whom it runs, and what it was made of."""

import json
import re
import tomllib

import pytest

from tests.deployment.containerfile import read_stages
from tests.deployment.context import is_sent, read_rules
from tests.deployment.files import TOP, image_environment, image_user, port_of, stages
from tests.deployment.processes import PROCESSES, SETTINGS

BUILD, FINAL = stages()
RULES = read_rules((TOP / ".dockerignore").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def test_a_containerfile_is_read_as_its_builders_read_it() -> None:
    text = "# a\nARG BASE=b:1\nFROM ${BASE} AS one\nRUN x \\\n  # no\n  && y\n\nFROM c\nCMD []\n"
    one, two = read_stages(text)
    assert (one.name, one.base, one.texts("RUN")) == ("one", "b:1", ["x && y"])
    assert (two.name, two.base, two.texts("CMD")) == ("", "c", ["[]"])


def test_the_final_stage_runs_nothing_and_takes_only_what_was_built() -> None:
    assert not FINAL.texts("RUN")
    assert all(text.startswith(f"--from={BUILD.name} ") for text in FINAL.texts("COPY"))


def test_both_stages_stand_on_one_slim_python_of_the_version_that_is_tested() -> None:
    assert BUILD.base == FINAL.base
    assert re.fullmatch(r"python:3\.11-slim(-\w+)?", FINAL.base)


def test_everything_is_installed_by_its_hash_and_the_project_alone_without() -> None:
    installs = re.findall(r"pip install ([^&]*)", " && ".join(BUILD.texts("RUN")))
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert {"--no-deps", "--no-build-isolation", "."} == set(installs[1].split())


def test_it_runs_as_a_number_that_is_not_root() -> None:
    assert image_user() > 0


def test_signals_reach_the_process_itself() -> None:
    assert FINAL.texts("STOPSIGNAL") == ["SIGTERM"]
    assert not FINAL.texts("ENTRYPOINT")
    [command] = FINAL.texts("CMD")
    assert json.loads(command)[0] in PROJECT["project"]["scripts"]


def test_it_names_the_ports_of_the_three_processes() -> None:
    [exposed] = FINAL.texts("EXPOSE")
    ports = {port_of(process) for process in PROCESSES}
    assert len(ports) == 3
    assert set(map(int, exposed.split())) == ports


def test_every_variable_of_the_image_is_pythons_or_a_setting() -> None:
    for name in image_environment():
        assert name == "PATH" or name.startswith("PYTHON") or name in SETTINGS, name


def test_the_build_sees_every_package_and_its_data() -> None:
    tools = PROJECT["tool"]["setuptools"]
    for package in tools["packages"]:
        folder = TOP / package.replace(".", "/")
        patterns = ["*.py", *tools["package-data"].get(package, [])]
        files = [file for pattern in patterns for file in folder.glob(pattern)]
        assert files
        for file in files:
            assert is_sent(file.relative_to(TOP).as_posix(), RULES), file


def test_the_build_sees_what_it_copies_and_what_setuptools_reads() -> None:
    sources = [name for text in BUILD.texts("COPY") for name in text.split()[:-1] if name != "."]
    for name in (*sources, "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"):
        assert (TOP / name).exists()
        assert is_sent(name, RULES), name


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "build/run/valkey/appendonlydir/data",
        "core/__pycache__/ports.cpython-311.pyc",
        "deploy/compose/.env",
        "deploy/compose/settings.env",
        "deploy/kubernetes/base/secret.example.yaml",
        "requirements-dev.lock",
        "tests/conftest.py",
    ],
)
def test_the_build_does_not_see_secrets_data_or_tests(path: str) -> None:
    assert not is_sent(path, RULES)
