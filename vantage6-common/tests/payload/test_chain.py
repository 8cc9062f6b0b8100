"""Payloads on their way: inline and by reference, for both schemes."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vantage6.common.clock import ManualClock
from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.errors import NotAnApiError, NotFoundError, PayloadError, PublicKeyError
from vantage6.common.http.transport import Transport
from vantage6.common.payload.chain import pack, unpack
from vantage6.common.payload.codec import deserialize, serialize
from vantage6.common.payload.reference import ServerBlobStore, is_uuid, server_blob_store
from vantage6.common.testing.crypto import MemoryBlobStore, private_key
from vantage6.common.testing.http import ScriptedHandler, html_reply, json_reply, no_connection

_UUID = "0c1d7a52-4a0e-4b41-9a0c-1f0f7c9a2d11"
_RSA = RsaCryptor(private_key())
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def _transport(handler: httpx.BaseTransport) -> Transport:
    return Transport("http://server.test/api", handler=handler, clock=ManualClock())


@pytest.mark.parametrize("cryptor", [PlainCryptor(), _RSA], ids=["plain", "rsa"])
@pytest.mark.parametrize("with_blobs", [False, True], ids=["inline", "reference"])
@settings(max_examples=25, deadline=None)
@given(value=_JSON)
def test_any_value_survives_the_whole_chain(
    cryptor: Cryptor, with_blobs: bool, value: object
) -> None:
    blobs = MemoryBlobStore() if with_blobs else None

    text = pack(serialize(value), cryptor, cryptor.public_key or "", blobs)

    assert isinstance(text, str)
    assert is_uuid(text) == with_blobs
    assert deserialize(unpack(text, cryptor, blobs, is_reference=with_blobs)) == value


def test_a_reference_without_a_place_to_look_it_up_is_told() -> None:
    with pytest.raises(PayloadError, match=_UUID):
        unpack(_UUID, PlainCryptor(), is_reference=True)


def test_a_receiver_without_a_key_is_told_before_anything_is_stored() -> None:
    blobs = MemoryBlobStore()

    with pytest.raises(PublicKeyError):
        pack(b"{}", _RSA, "", blobs)
    assert blobs.blobs == {}


def test_payloads_are_stored_at_the_server() -> None:
    handler = ScriptedHandler([json_reply({"uuid": _UUID}, 201)])
    blobs = ServerBlobStore(_transport(handler), headers={"X-Public-Key": "k"})

    assert pack(b"{}", PlainCryptor(), "", blobs) == _UUID
    [request] = handler.requests
    assert (request.method, request.url.path) == ("POST", "/api/blobstream")
    assert request.content == b"e30="
    assert request.headers["x-public-key"] == "k"


def test_an_upload_that_found_no_server_is_encrypted_anew() -> None:
    handler = ScriptedHandler([no_connection(), json_reply({"uuid": _UUID}, 201)])

    pack(b"{}", _RSA, _RSA.public_key, ServerBlobStore(_transport(handler)))

    first, second = (request.content for request in handler.requests)
    assert first != second
    assert b"".join(_RSA.decrypt_stream([second])) == b"{}"


def test_payloads_are_read_from_the_server() -> None:
    handler = ScriptedHandler([httpx.Response(200, content=b"e30=")])
    blobs = ServerBlobStore(_transport(handler))

    assert unpack(_UUID, PlainCryptor(), blobs, is_reference=True) == b"{}"
    assert handler.requests[0].url.path == f"/api/blobstream/{_UUID}"


def test_a_payload_that_is_gone_is_told() -> None:
    blobs = ServerBlobStore(_transport(ScriptedHandler([json_reply({"msg": "Gone"}, 404)])))

    with pytest.raises(NotFoundError, match="Gone"):
        unpack(_UUID, PlainCryptor(), blobs, is_reference=True)


def test_an_upload_answered_without_a_uuid_is_told() -> None:
    blobs = ServerBlobStore(_transport(ScriptedHandler([json_reply({"msg": "Hello"})])))

    with pytest.raises(NotAnApiError, match="without a uuid"):
        blobs.put([b"x"])


@pytest.mark.parametrize(
    ("reply", "enabled"),
    [
        (json_reply({"blob_store_enabled": True}), True),
        (json_reply({"blob_store_enabled": False}), False),
        (json_reply({"msg": "x"}, 500), False),
        (html_reply(404), False),
        (json_reply([]), False),
    ],
)
def test_the_server_is_asked_whether_it_stores_payloads(
    reply: httpx.Response, enabled: bool
) -> None:
    found = server_blob_store(_transport(ScriptedHandler([reply])))

    assert (found is not None) == enabled


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (_UUID, True),
        (_UUID.upper(), False),
        (_UUID.replace("-", ""), False),
        (f"{{{_UUID}}}", False),
        (f"{_UUID}\n", False),
        ("", False),
        (None, False),
        (5, False),
    ],
)
def test_only_the_canonical_text_is_a_uuid(value: object, expected: bool) -> None:
    assert is_uuid(value) is expected


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True]}, "é", float("inf"), (1, 2), {1: 2}])
def test_values_are_written_as_the_standard_library_does(value: object) -> None:
    assert serialize(value) == json.dumps(value).encode()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"x": {1, 2}}, "type set"),
        (ManualClock().now(), "datetime.datetime"),
        (b"x", "type bytes"),
        ({(1, 2): 3}, "keys must be"),
    ],
)
def test_values_without_a_json_form_are_named(value: object, words: str) -> None:
    with pytest.raises(PayloadError, match=words):
        serialize(value)


def test_values_that_contain_themselves_are_refused() -> None:
    value: list[object] = []
    value.append(value)

    with pytest.raises(PayloadError):
        serialize(value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 200_000])
def test_bytes_that_are_not_json_are_refused(data: bytes) -> None:
    with pytest.raises(PayloadError, match=f"The {len(data)} bytes"):
        deserialize(data)
