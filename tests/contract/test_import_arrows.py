"""Who may import whom, and what an import costs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PACKAGES = {
    "common": "vantage6-common",
    "server": "vantage6-server",
    "node": "vantage6-node",
    "client": "vantage6-client",
    "algorithm": "vantage6-algorithm-tools",
}
_COMMON = _ROOT / "vantage6-common" / "src" / "vantage6" / "common"

# Where vantage6-common may use a library that belongs to one of its extras.
_EXTRAS = {
    "marshmallow": ("wire/rest/",),
    "httpx": ("http/", "testing/", "client/"),
    "cryptography": ("crypto/", "encryption.py", "testing/"),
    "yaml": ("config/", "cli/"),
    "platformdirs": ("config/",),
    "click": ("cli/",),
    "docker": ("cli/containers.py",),
    "qrcode": ("client/utils.py",),
    "pytest": ("testing/",),
}
# Modules of vantage6-common that work with nothing but the standard library.
_CORE = (
    "vantage6.common",
    "vantage6.common.cli.output",
    "vantage6.common.clock",
    "vantage6.common.crypto.base",
    "vantage6.common.enums",
    "vantage6.common.errors",
    "vantage6.common.exceptions",
    "vantage6.common.files",
    "vantage6.common.globals",
    "vantage6.common.http.auth",
    "vantage6.common.http.errors",
    "vantage6.common.http.retry",
    "vantage6.common.legacy",
    "vantage6.common.log",
    "vantage6.common.payload.chain",
    "vantage6.common.payload.codec",
    "vantage6.common.payload.reference",
    "vantage6.common.serialization",
    "vantage6.common.status",
    "vantage6.common.task_status",
    "vantage6.common.wire.container",
    "vantage6.common.wire.paths",
    "vantage6.common.wire.socket",
    "vantage6.common.wire.tokens",
)
_DOCKER_HOMES = (
    "vantage6-node/src/vantage6/node/runner/docker/",
    "vantage6-node/src/vantage6/node/network/",
    "vantage6-common/src/vantage6/common/cli/containers.py",
)


def _sources(package: str) -> list[Path]:
    return sorted((_ROOT / _PACKAGES[package] / "src").rglob("*.py"))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Give every imported module with its line, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            assert node.module is not None
            if node.module == "vantage6":
                yield from ((f"vantage6.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def _place(path: Path, line: int) -> str:
    return f"{path.relative_to(_ROOT)}:{line}"


@pytest.mark.parametrize("package", _PACKAGES)
def test_packages_import_common_and_themselves_only(package: str) -> None:
    allowed = {package, "common"}
    wrong = [
        f"{_place(path, line)} imports {module}"
        for path in _sources(package)
        for module, line in _imports(path)
        if module.startswith("vantage6.") and module.split(".")[1] not in allowed
    ]

    assert _sources(package)
    assert wrong == []


def test_common_uses_libraries_only_where_their_extra_is() -> None:
    wrong = []
    for path in _sources("common"):
        inside = path.relative_to(_COMMON).as_posix()
        for module, line in _imports(path):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top == "vantage6":
                continue
            if not inside.startswith(_EXTRAS.get(top, ())):
                wrong.append(f"{_place(path, line)} imports {top}")

    assert wrong == []


def test_core_of_common_needs_the_standard_library_only() -> None:
    program = f"""
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != "vantage6":
            raise ImportError(f"{{name}} is no part of the standard library")

sys.meta_path.insert(0, Blocker())
for module in {_CORE!r}:
    importlib.import_module(module)
"""
    _run(program)


def test_docker_sdk_has_three_homes() -> None:
    wrong = [
        _place(path, line)
        for package in _PACKAGES
        for path in _sources(package)
        for module, line in _imports(path)
        if module.partition(".")[0] == "docker"
        and not path.relative_to(_ROOT).as_posix().startswith(_DOCKER_HOMES)
    ]

    assert wrong == []


def test_shared_namespaces_have_no_init_file() -> None:
    for name in _PACKAGES.values():
        namespace = _ROOT / name / "src" / "vantage6"
        assert namespace.is_dir()
        assert not (namespace / "__init__.py").exists()
        assert not (namespace / "algorithm" / "__init__.py").exists()


def test_all_packages_have_one_version_and_pin_each_other_to_it() -> None:
    versions = {_version(name) for name in _PACKAGES.values()}
    pins = [pin for name in _PACKAGES.values() for pin in _pins(name)]

    assert len(versions) == 1
    assert len(pins) >= 4
    assert set(pins) == versions


def _version(name: str) -> str:
    [path] = (_ROOT / name / "src").rglob("_version.py")
    match = re.search(r'^__version__ = "([^"]+)"$', path.read_text(), re.MULTILINE)
    assert match is not None
    return match[1]


def _pins(name: str) -> list[str]:
    text = (_ROOT / name / "pyproject.toml").read_text()
    found = re.findall(r'"(vantage6-[a-z-]+)(?:\[[^\]]*\])?([^"]*)"', text)
    requirements = [(sibling, version) for sibling, version in found if sibling != name]
    for sibling, version in requirements:
        assert version.startswith("=="), f"{name} does not pin {sibling}"
    return [version.removeprefix("==") for _, version in requirements]


@pytest.mark.parametrize(
    ("module", "too_heavy"),
    [
        ("vantage6.common.wire.container", {"httpx", "cryptography", "click", "yaml", "ssl"}),
        ("vantage6.algorithm.tools.wrap", {"pandas", "httpx", "numpy", "cryptography"}),
        ("vantage6.algorithm.client", {"pandas", "numpy", "cryptography"}),
        ("vantage6.client", {"pandas", "numpy", "qrcode", "rich", "click", "yaml"}),
        ("vantage6.common.cli.root", {"httpx", "cryptography", "yaml", "docker"}),
    ],
)
def test_imports_do_not_bring_what_they_do_not_need(module: str, too_heavy: set[str]) -> None:
    loaded = json.loads(_run(f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"))

    assert module in loaded
    assert too_heavy & set(loaded) == set()


def test_importing_the_client_leaves_network_and_logging_alone() -> None:
    _run(
        """
import logging, socket, sys
def refuse(*_, **__): raise AssertionError("network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
before = list(logging.getLogger().handlers), logging.getLogger().level
from vantage6.client import UserClient
assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
"""
    )


def _run(program: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=_ROOT
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
