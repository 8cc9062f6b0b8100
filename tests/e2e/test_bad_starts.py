"""A server or node that cannot start says why in one sentence, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.networks import lung_network
from tests.support.sentences import assert_sentence
from vantage6.common.cli.child import kill_processes_using
from vantage6.common.cli.local_network import LocalNetwork
from vantage6.common.crypto.keys import create_private_key

KEY = "0e0f0e0f-0000-4000-8000-000000000000"


def v6(*arguments: str | Path, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    return subprocess.run(
        [*before, sys.executable, "-m", "vantage6.common.cli.root", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence_of(answer: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a command failed."""
    assert answer.returncode == 1, answer.stdout + answer.stderr
    (line,) = answer.stderr.splitlines()
    assert line.startswith("[error] - ")
    sentence = line.removeprefix("[error] - ")
    assert_sentence(sentence)
    return sentence


# -- by themselves -------------------------------------------------------------------------------


@dataclass(frozen=True)
class BadStart:
    """A start that cannot be.

    Attributes
    ----------
    content : bytes or None
        Of the configuration file; None if there is no such file. ``FOLDER`` and ``PORT`` stand
        for a folder, and for a port that is taken.
    says : str
        Pattern that the sentence fits.
    may_read : bool
        Whether this account is allowed to read the file.
    """

    kinds: tuple[str, ...]
    content: bytes | None
    says: str
    may_read: bool = True


SERVER = b"ip: 127.0.0.1\nport: PORT\nuri: sqlite:///FOLDER/server.sqlite\n"
NODE = (
    f"api_key: {KEY}\nserver_url: http://127.0.0.1\nencryption: {{enabled: false}}\n"
    "databases: [{label: default, uri: FOLDER/absent.csv, type: csv}]\n"
).encode()
FOLDERS = b"directories: {data: FOLDER/data, log: FOLDER/log}\n"
BOTH = ("server", "node")
STARTS = {
    "the port is in use": BadStart(
        ("server",), SERVER + FOLDERS, r"Port PORT of 127\.0\.0\.1 is in use.*choose another port"
    ),
    "a database file is missing": BadStart(
        ("node",), NODE + FOLDERS, r"file of database 'default' does not exist: FOLDER/absent\.csv"
    ),
    "the API key is no key": BadStart(
        ("node",), NODE.replace(KEY.encode(), b"abc") + FOLDERS, r"api_key is not a key; copy it"
    ),
    "there is no configuration": BadStart(
        BOTH, None, r"no configuration file FOLDER/bad\.yaml; check the path"
    ),
    "the configuration is no YAML": BadStart(
        BOTH, b"port: 5000\n  ip: [\n", r"FOLDER/bad\.yaml is not valid YAML in line 2, .*correct"
    ),
    "the configuration is a list": BadStart(
        BOTH, b"- 1\n", r"FOLDER/bad\.yaml holds a list; it has to be a mapping"
    ),
    "the configuration is no text": BadStart(
        BOTH, b"ip: \xff\n", r"FOLDER/bad\.yaml is not UTF-8 text; save it in that encoding"
    ),
    "the configuration may not be read": BadStart(
        BOTH,
        SERVER + FOLDERS,
        r"FOLDER/bad\.yaml cannot be read \(Permission denied\); check its permissions",
        may_read=False,
    ),
}
CASES = [
    pytest.param(kind, bad, id=f"{kind}, {name}")
    for name, bad in STARTS.items()
    for kind in bad.kinds
]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize(("kind", "bad"), CASES)
def test_what_cannot_start_says_why_and_leaves_nothing(
    kind: str, bad: BadStart, tmp_path: Path, taken_port: int
) -> None:
    def filled(text: str) -> str:
        return text.replace("FOLDER", str(tmp_path)).replace("PORT", str(taken_port))

    config = tmp_path / "bad.yaml"
    if bad.content is not None:
        config.write_bytes(filled(bad.content.decode("latin-1")).encode("latin-1"))
    before = set(tmp_path.rglob("*"))
    config_is_hidden = not bad.may_read
    if config_is_hidden:
        config.chmod(0)

    answer = v6(
        *(kind, "start", "--user", "--config", config, "--attach"),
        before=_WITHOUT_PRIVILEGES if config_is_hidden else (),
    )

    assert re.search(filled(bad.says), sentence_of(answer))
    assert answer.stdout == ""
    assert set(tmp_path.rglob("*")) == before
    assert kill_processes_using(tmp_path) == []


# The superuser may read everything, unless it gives that up.
_WITHOUT_PRIVILEGES = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)


def test_a_start_in_the_background_fails_with_the_same_sentence(
    tmp_path: Path, taken_port: int
) -> None:
    config = tmp_path / "bad.yaml"
    text = (SERVER + FOLDERS).decode()
    config.write_text(text.replace("FOLDER", str(tmp_path)).replace("PORT", str(taken_port)))

    answer = v6("server", "start", "--user", "--config", config, "--detach")

    assert f"Port {taken_port} of 127.0.0.1 is in use" in sentence_of(answer)
    assert not list(tmp_path.rglob("*.sqlite*"))
    assert kill_processes_using(tmp_path) == []


# -- nodes that do not fit the server ------------------------------------------------------------


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    with lung_network(tmp_path_factory.mktemp("network"), runner="process") as network:
        yield network


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "other.pem"
    create_private_key(path, bits=2048)
    return path


BAD_NODES: dict[str, tuple[dict[str, Any], str]] = {
    "its API key is unknown": (
        {"api_key": KEY},
        r"does not accept the API key of this node; set the right one with: v6 node set-api-key",
    ),
    "its private key is another": (
        {"encryption": {"enabled": True, "private_key": "OTHER"}},
        r"private key of this node has the fingerprint SHA256:.* has SHA256:.*use the organiz",
    ),
    "its private key is missing": (
        {"encryption": {"enabled": True, "private_key": "/absent/key.pem"}},
        r"no private key at /absent/key\.pem; give the path",
    ),
    "it does not encrypt": (
        {"encryption": {"enabled": False, "private_key": ""}},
        r"collaboration is encrypted, but this node has encryption\.enabled: false; correct",
    ),
}


@pytest.mark.parametrize("wrong", BAD_NODES)
def test_a_node_that_does_not_fit_the_server_says_why_and_ends(
    wrong: str, network: LocalNetwork, other_key: Path, tmp_path: Path
) -> None:
    (file,) = (network.folder / "node-1").glob("*.yaml")
    changes, says = BAD_NODES[wrong]
    settings = yaml.safe_load(file.read_text()) | json.loads(
        json.dumps(changes).replace("OTHER", str(other_key))
    )
    settings["directories"] = {"data": str(tmp_path / "data"), "log": str(tmp_path / "log")}
    config = tmp_path / "bad.yaml"
    config.write_text(yaml.safe_dump(settings))

    answer = v6("node", "start", "--user", "--config", config, "--attach")

    assert re.search(says, sentence_of(answer))
    # Its folders, an empty mark of the process and its log are there; nothing it worked with is.
    left = {path for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert all(path.stat().st_size == 0 for path in left), left
    assert kill_processes_using(tmp_path) == []
