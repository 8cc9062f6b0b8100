"""The names and signatures that notebooks rely on."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vantage6.client as package
from vantage6.client import UserClient

SIGNATURES: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parent / "data" / "signatures.json").read_text()
)
SELECTION = {"field", "fields", "filter_", "filters"}
MODULES_WITH_NAMES = [
    ("vantage6.client.utils", "LogLevel"),
    ("vantage6.client.filter", "post_filtering"),
    ("vantage6.client.exceptions", "DeserializationException"),
    ("vantage6.client.subclients.study", "StudySubClient"),
    ("vantage6.client.subclients.store.algorithm", "AlgorithmSubClient"),
    ("vantage6.client.subclients.store.algorithm_store", "AlgorithmStoreSubClient"),
    ("vantage6.client.subclients.store.role", "StoreRoleSubClient"),
    ("vantage6.client.subclients.store.rule", "StoreRuleSubClient"),
    ("vantage6.client.subclients.store.user", "StoreUserSubClient"),
    ("vantage6.client.subclients.store.policy", "PolicySubClient"),
    ("vantage6.client.subclients.store.review", "ReviewSubClient"),
]


def positional(method: Callable[..., Any]) -> list[list[Any]]:
    """Return names and defaults of the parameters that may be given by position."""
    found = []
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            assert parameter.default is not inspect.Parameter.empty, parameter
            continue
        has_default = parameter.default is not inspect.Parameter.empty
        default = [*parameter.default] if parameter.default == () else parameter.default
        found.append([parameter.name, default] if has_default else [parameter.name])
    return found


@pytest.mark.parametrize("name", package.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(package, name) is not None


def test_client_is_another_name_of_user_client() -> None:
    assert package.Client is package.UserClient


def test_unknown_names_are_missing() -> None:
    with pytest.raises(AttributeError, match="Unknown"):
        _ = package.Unknown


@pytest.mark.parametrize(("module", "name"), MODULES_WITH_NAMES)
def test_module_offers_the_name_of_the_contract(module: str, name: str) -> None:
    assert hasattr(__import__(module, fromlist=[name]), name)


@pytest.mark.parametrize("path", SIGNATURES)
def test_signature_is_that_of_the_contract(path: str, client: UserClient) -> None:
    method: Any = client
    for name in path.split("."):
        method = getattr(method, name)
    assert positional(method) == SIGNATURES[path]


def test_list_methods_take_all_four_selections_and_others_two(client: UserClient) -> None:
    def selections(method: Callable[..., Any]) -> set[str]:
        return SELECTION & set(inspect.signature(method).parameters)

    for noun in ("collaboration", "organization", "user", "run", "task", "role", "node", "rule"):
        assert selections(getattr(client, noun).list) == SELECTION
        assert selections(getattr(client, noun).get) == {"field", "fields"}
    assert selections(client.result.get) == selections(client.result.from_task) == set()


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_leaves_network_files_and_root_logger_alone(tmp_path: Path) -> None:
    done = run_python(
        f"""
import logging, os, sys
os.chdir({str(tmp_path)!r})
events = []
def watch(event, args):
    if event.startswith("socket.") or event == "subprocess.Popen":
        events.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        events.append(f"write {{args[0]}}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from vantage6.client import UserClient, Client
client = UserClient("http://nowhere.invalid", 80)
root = logging.getLogger()
print(events, root.handlers, root.level == logging.WARNING, os.listdir())
"""
    )
    assert done.splitlines()[-1] == "[] [] True []"


def test_package_itself_loads_next_to_nothing() -> None:
    heavy = run_python(
        "import sys, vantage6.client; "
        "print([m for m in ('httpx', 'cryptography', 'click', 'pandas') if m in sys.modules])"
    )
    assert heavy.strip() == "[]"


def test_client_loads_neither_cryptography_nor_click_before_they_are_needed() -> None:
    heavy = run_python(
        "import sys; from vantage6.client import UserClient; "
        "print([m for m in ('cryptography', 'pandas', 'qrcode', 'yaml') if m in sys.modules])"
    )
    assert heavy.strip() == "[]"


def test_import_takes_less_than_the_promised_time() -> None:
    code = (
        "import time; start = time.process_time(); from vantage6.client import UserClient; "
        "print(time.process_time() - start)"
    )
    assert min(float(run_python(code)) for _ in range(5)) < 0.4
