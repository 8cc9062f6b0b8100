"""The bytes at each hop, as the released packages were recorded to send them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.keys import load_private_key
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.payload.chain import pack, unpack
from vantage6.common.payload.codec import deserialize, serialize
from vantage6.common.payload.reference import is_uuid
from vantage6.common.serialization import serialize as legacy_serialize
from vantage6.common.wire.container import decode_value, encode_value

_VECTORS = Path(__file__).parent / "data" / "vectors" / "serialization"
_TASKS = ("s1_plain_inline", "s2_encrypted_inline", "s3_plain_blob", "s4_encrypted_blob")


def _vector(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((_VECTORS / f"{name}.json").read_text())
    return vector


class _RecordedBlobs:
    """The blob storage of a vector: uuid to recorded bytes."""

    def __init__(self, vector: dict[str, Any]) -> None:
        recorded = vector.get("hop3_blobs_base64", {})
        self._blobs = {uuid: base64.b64decode(text) for uuid, text in recorded.items()}

    def put(self, chunks: Iterable[bytes]) -> str:
        uuid = f"{len(self._blobs):08d}-0000-4000-8000-000000000000"
        self._blobs[uuid] = b"".join(chunks)
        return uuid

    def open(self, uuid: str) -> Iterator[bytes]:
        yield self._blobs[uuid]


def _cryptor(pem: str | None, folder: Path) -> Cryptor:
    if pem is None:
        return PlainCryptor()
    path = folder / "key.pem"
    path.write_text(pem)
    path.chmod(0o600)
    return RsaCryptor(load_private_key(path))


def _cryptor_of(vector: dict[str, Any], organization_id: int, folder: Path) -> Cryptor:
    keys = vector.get("test_private_keys_by_organization", {})
    return _cryptor(keys.get(str(organization_id)), folder)


@pytest.mark.parametrize("name", _TASKS)
def test_input_is_serialized_to_the_recorded_bytes(name: str) -> None:
    vector = _vector(name)
    recorded = vector["hop1_serialized_input_utf8"].encode()

    assert serialize(vector["client_input_python"]) == recorded
    assert legacy_serialize(vector["client_input_python"]) == recorded
    assert deserialize(recorded) == vector["client_input_python"]


@pytest.mark.parametrize("name", _TASKS)
def test_node_reads_the_recorded_input_of_each_organization(name: str, tmp_path: Path) -> None:
    vector = _vector(name)
    files = {entry["run_id"]: entry for entry in vector["hop4_node_and_container"]}
    for row in vector["hop3_server_run_rows"]:
        payload = unpack(
            row["input"],
            _cryptor_of(vector, row["organization_id"], tmp_path),
            _RecordedBlobs(vector),
            is_reference=bool(row["blob_storage_used"]),
        )

        assert payload.decode() == files[row["run_id"]]["container_input_file_utf8"]


@pytest.mark.parametrize("name", _TASKS)
def test_user_reads_the_recorded_results(name: str, tmp_path: Path) -> None:
    vector = _vector(name)
    cryptor = _cryptor_of(vector, vector["initiating_organization_id"], tmp_path)
    returned = {
        entry["id"]: entry["result"] for entry in vector["hop6_wait_for_results_return"]["data"]
    }
    for row in vector["hop3_server_run_rows"]:
        payload = unpack(
            row["result"],
            cryptor,
            _RecordedBlobs(vector),
            is_reference=bool(row["blob_storage_used"]),
        )

        assert payload.decode() == returned[row["run_id"]]


@pytest.mark.parametrize("name", ["s1_plain_inline", "s3_plain_blob"])
def test_we_send_the_recorded_bytes_without_encryption(name: str) -> None:
    vector = _vector(name)
    blobs = _RecordedBlobs({}) if vector["blob_storage"] else None
    recorded = _RecordedBlobs(vector)
    for row, files in zip(
        vector["hop3_server_run_rows"], vector["hop4_node_and_container"], strict=True
    ):
        for field, sent in (
            ("input", vector["hop1_serialized_input_utf8"]),
            ("result", files["container_output_file_utf8"]),
        ):
            packed = pack(sent.encode(), PlainCryptor(), "", blobs)

            if blobs is None:
                assert packed == row[field]
            else:
                assert is_uuid(packed)
                assert is_uuid(row[field])
                assert list(blobs.open(packed)) == list(recorded.open(row[field]))


@pytest.mark.parametrize("name", ["s2_encrypted_inline", "s4_encrypted_blob"])
def test_what_we_encrypt_is_read_with_the_recorded_keys(name: str, tmp_path: Path) -> None:
    vector = _vector(name)
    blobs = _RecordedBlobs({}) if vector["blob_storage"] else None
    sent = vector["hop1_serialized_input_utf8"].encode()
    for row in vector["hop3_server_run_rows"]:
        receiver = _cryptor_of(vector, row["organization_id"], tmp_path)

        packed = pack(sent, receiver, receiver.public_key or "", blobs)

        assert unpack(packed, receiver, blobs, is_reference=blobs is not None) == sent
        assert is_uuid(packed) == (blobs is not None)
        if blobs is None:
            assert len(packed) == len(row["input"])


def test_container_environment_is_encoded_as_recorded() -> None:
    vector = _vector("s5_container_environment")
    plain_variables = {"RUN_CONTEXT_FILE"}

    assert vector["encoded"].keys() == vector["decoded"].keys()
    for name, value in vector["decoded"].items():
        recorded = vector["encoded"][name]
        if name in plain_variables:
            assert recorded == value
        else:
            assert encode_value(value) == recorded
        assert decode_value(recorded) == value


def test_proxy_forwards_a_subtask_unchanged_without_encryption() -> None:
    case = _vector("s6_subtask_via_local_proxy")["unencrypted"]
    [sent] = case["container_to_proxy_body"]["organizations"]
    [forwarded] = case["proxy_to_server_body"]["organizations"]

    payload = PlainCryptor().decrypt(sent["input"])

    assert PlainCryptor().encrypt(payload) == forwarded["input"]


@pytest.mark.parametrize("case_name", ["encrypted", "encrypted_blob"])
def test_receiver_reads_a_subtask_encrypted_by_the_recorded_proxy(
    case_name: str, tmp_path: Path
) -> None:
    vector = _vector("s6_subtask_via_local_proxy")
    case = vector[case_name]
    receiver = _cryptor(vector["test_private_key_receiver"], tmp_path)
    plain_input = vector["encrypted"]["container_to_proxy_body"]["organizations"][0]["input"]
    expected = PlainCryptor().decrypt(plain_input)
    [forwarded] = case["proxy_to_server_body"]["organizations"]

    if case_name == "encrypted":
        assert receiver.decrypt(forwarded["input"]) == expected
    else:
        uploaded = base64.b64decode(case["proxy_upload_body_base64"])
        assert is_uuid(forwarded["input"])
        assert b"".join(receiver.decrypt_stream([uploaded])) == expected


def test_result_for_a_container_is_base64_of_the_document() -> None:
    case = _vector("s6_subtask_via_local_proxy")["result_decryption"]
    first = case["proxy_response_to_container"]["data"][0]["result"]

    assert deserialize(PlainCryptor().decrypt(first)) == {"x": 1}
