"""What a package drags in, and how long its entrance takes to load."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.wheels import environment_with

pytestmark = pytest.mark.slow

ATTEMPTS = 9
MOST_DISTRIBUTIONS = {"vantage6-client": 20, "vantage6-algorithm-tools": 16}
NEVER = {"docker", "flask", "flask-restful", "sqlalchemy", "python-socketio"}
LIST_DISTRIBUTIONS = (
    "import importlib.metadata, json; "
    "print(json.dumps([d.metadata['Name'].lower() for d in importlib.metadata.distributions()]))"
)
ENTRANCES = {
    "vantage6-client": ("from vantage6.client import UserClient", 0.4, ("pandas", "flask")),
    "vantage6-algorithm-tools": (
        "import vantage6.algorithm.tools.wrap",
        0.15,
        ("pandas", "httpx", "cryptography"),
    ),
}


@pytest.fixture(scope="module")
def environments(
    wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Path]:
    """Return package name to the Python of an environment with nothing else."""
    return {
        package: environment_with(
            tmp_path_factory.mktemp(package) / "env", wheels[package], wheels[package].parent
        )
        for package in MOST_DISTRIBUTIONS
    }


@pytest.mark.parametrize("package", MOST_DISTRIBUTIONS)
def test_package_drags_in_few_distributions_and_no_server_or_engine(
    package: str, environments: Mapping[str, Path]
) -> None:
    installed = set(json.loads(run(environments[package], LIST_DISTRIBUTIONS)))
    assert package in installed
    assert len(installed) <= MOST_DISTRIBUTIONS[package], sorted(installed)
    assert not installed & NEVER


@pytest.mark.parametrize("package", ENTRANCES)
def test_entrance_loads_quickly_and_without_heavy_libraries(
    package: str, environments: Mapping[str, Path]
) -> None:
    statement, longest, heavy = ENTRANCES[package]
    python = environments[package]
    loaded = run(
        python, f"{statement}; import sys; print([m for m in {heavy} if m in sys.modules])"
    )
    assert loaded == "[]"
    assert seconds_for(python, statement) - seconds_for(python, "pass") <= longest


def run(python: Path, code: str) -> str:
    """Run code in an environment, away from this repository; returns what it prints."""
    done = subprocess.run(
        [str(python), "-I", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=python.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def seconds_for(python: Path, statement: str) -> float:
    """Return the median time that a process with one statement takes, once it is compiled.

    It is the processor's time, which other work on the machine does not lengthen much.
    """
    code = f"""
import os, statistics, subprocess, sys
def used():
    times = os.times()
    return times.children_user + times.children_system
def once():
    before = used()
    subprocess.run([sys.executable, "-I", "-c", {statement!r}], check=True)
    return used() - before
once()
print(statistics.median(once() for _ in range({ATTEMPTS})))
"""
    return float(run(python, code))
