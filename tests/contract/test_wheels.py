"""Every package builds, installs by itself with what it declares, and works."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.wheels import PACKAGES, environment_with
from vantage6.common._version import __version__

ENTRANCES = {
    "vantage6-common": "import vantage6.common.status, vantage6.common.wire.paths",
    "vantage6-server": "import vantage6.server.app",
    "vantage6-node": "import vantage6.node.app",
    "vantage6-client": "from vantage6.client import UserClient",
    "vantage6-algorithm-tools": "from vantage6.algorithm.tools.wrap import wrap_algorithm",
}


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_installs_by_itself_and_its_entrance_imports(
    package: str, wheels: Mapping[str, Path], tmp_path: Path
) -> None:
    wheel = wheels[package]
    python = environment_with(tmp_path / "env", wheel, wheel.parent)

    probe = f"{ENTRANCES[package]}; import importlib.metadata as m; print(m.version('{package}'))"
    answer = subprocess.run(
        [python, "-W", "error::DeprecationWarning:vantage6", "-c", probe],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert (answer.returncode, answer.stdout.strip()) == (0, __version__), answer.stderr


def test_wheels_share_the_namespace_and_ship_types_and_licence(
    wheels: Mapping[str, Path],
) -> None:
    owners: dict[str, str] = {}
    for package, wheel in wheels.items():
        names = zipfile.ZipFile(wheel).namelist()
        assert any(name.endswith("py.typed") for name in names), package
        assert any(name.endswith("LICENSE") for name in names), package
        assert not {"vantage6/__init__.py", "vantage6/algorithm/__init__.py"} & set(names), package
        for name in names:
            assert owners.setdefault(name, package) == package, name


def test_the_server_ships_the_texts_of_its_mails(wheels: Mapping[str, Path]) -> None:
    names = zipfile.ZipFile(wheels["vantage6-server"]).namelist()
    texts = {Path(name).name for name in names if "/mail/templates/" in name}
    letters = ("account_blocked", "password_reset", "second_factor_reset")
    assert texts == {f"{letter}.{form}" for letter in letters for form in ("txt", "html")}
