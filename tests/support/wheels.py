"""Wheels of the five packages, built once per test session, and environments to install them in."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = (
    "vantage6-common",
    "vantage6-server",
    "vantage6-node",
    "vantage6-client",
    "vantage6-algorithm-tools",
)


def build_wheels(folder: Path) -> Mapping[str, Path]:
    """Build all wheels into `folder`; returns package name to file."""
    _run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)),
        *(str(REPOSITORY / package) for package in PACKAGES),
    )
    return {package: _only(folder, f"{package.replace('-', '_')}-*.whl") for package in PACKAGES}


def environment_with(folder: Path, wheel: Path, wheels: Path) -> Path:
    """Make an environment that holds one wheel and what it declares; returns its Python.

    The other wheels in `wheels` may be taken as its requirements, third parties come from the
    package index, in the versions everything here is tested with.
    """
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    _run(
        *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
        *("--disable-pip-version-check", "--no-compile", "--find-links", str(wheels)),
        *("--constraint", str(REPOSITORY / "requirements" / "constraints.txt"), str(wheel)),
    )
    return python


def _only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def _run(*command: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{' '.join(command)} failed:\n{answer.stdout}{answer.stderr}"
