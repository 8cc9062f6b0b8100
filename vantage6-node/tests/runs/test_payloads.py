"""Inputs and results on their way between wire form and files."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.keys import create_private_key
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.errors import DecryptionError
from vantage6.common.http.transport import Transport
from vantage6.node.link.keyring import KeyRing
from vantage6.node.link.rest import ServerApi
from vantage6.node.runner.base import RunOutput
from vantage6.node.runs.journal import Journal
from vantage6.node.runs.model import RunFacts, RunRecord
from vantage6.node.runs.packing import Packer, inline_chunks
from vantage6.node.runs.unpacking import write_blob_input, write_inline_input
from vantage6.node.store import Store

SIZES = [0, 1, 2, 3, 1000, 3_000_000]


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> RsaCryptor:
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    return RsaCryptor(create_private_key(path, bits=2048))


@pytest.fixture(params=["rsa", "plain"])
def cryptor(request: pytest.FixtureRequest, rsa: RsaCryptor) -> Cryptor:
    return PlainCryptor() if request.param == "plain" else rsa


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def packed(cryptor: Cryptor, chunks: Iterable[bytes]) -> str:
    return b"".join(inline_chunks(cryptor, chunks, cryptor.public_key or "")).decode()


@pytest.mark.parametrize("size", SIZES)
def test_a_result_packed_in_pieces_reads_like_one_packed_as_a_whole(
    cryptor: Cryptor, size: int
) -> None:
    message = json.dumps("x" * size).encode()

    assert cryptor.decrypt(packed(cryptor, pieces(message, 1000))) == message


@pytest.mark.parametrize("size", SIZES)
def test_an_input_arrives_as_it_was_sent(cryptor: Cryptor, size: int, tmp_path: Path) -> None:
    message = json.dumps({"method": "m", "args": ["y" * size]}).encode()
    text = cryptor.encrypt(message, cryptor.public_key or "")
    write_inline_input(cryptor, text, tmp_path / "inline")
    blob = b"".join(cryptor.encrypt_stream([message], cryptor.public_key or ""))
    write_blob_input(cryptor, pieces(blob, 777), tmp_path / "blob")

    assert (tmp_path / "inline").read_bytes() == message
    assert (tmp_path / "blob").read_bytes() == message
    assert (tmp_path / "inline").stat().st_mode & 0o777 == 0o600


def test_a_large_input_goes_through_memory_in_pieces(
    cryptor: Cryptor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = json.dumps({"args": ["y" * 3_000_000]}).encode()
    text = cryptor.encrypt(message, cryptor.public_key or "")

    def whole(_self: Cryptor, _text: str) -> bytes:
        raise AssertionError("as a whole")

    monkeypatch.setattr(type(cryptor), "decrypt", whole)
    write_inline_input(cryptor, text, tmp_path / "input")

    assert (tmp_path / "input").read_bytes() == message


def test_a_large_input_of_a_browser_is_unwrapped(rsa: RsaCryptor, tmp_path: Path) -> None:
    message = json.dumps({"args": ["y" * 3_000_000]}).encode()
    text = rsa.encrypt(base64.b64encode(message), rsa.public_key)
    write_inline_input(rsa, text, tmp_path / "input")

    assert (tmp_path / "input").read_bytes() == message


def test_a_large_input_for_someone_else_is_refused(rsa: RsaCryptor, tmp_path: Path) -> None:
    other = RsaCryptor(create_private_key(tmp_path / "other.pem", bits=2048))
    text = other.encrypt(json.dumps("x" * 3_000_000).encode(), other.public_key)
    with pytest.raises(DecryptionError):
        write_inline_input(rsa, text, tmp_path / "input")


def test_a_packed_result_is_on_the_disk_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append("folder" if is_folder else "file")
        sync(descriptor)

    store = Store(tmp_path / "s")
    keys = KeyRing(ServerApi(Transport("http://server.test")), Journal(store))
    packer = Packer(tmp_path, PlainCryptor(), keys, share_logs=False)
    record = RunRecord(RunFacts(1, 2, 3, "img", 4))
    monkeypatch.setattr(os, "fsync", note)
    packer.pack(record, RunOutput(0, b"1", tmp_path / "log"))
    store.close()

    assert synced == ["file", "folder"]
