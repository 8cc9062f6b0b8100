"""Checks at the start that node and server agree on encryption and on the key."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.keys import fingerprint
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.errors import KeyFileError, PublicKeyError
from vantage6.node.identity import NodeIdentity
from vantage6.node.link.rest import ServerApi
from vantage6.node.supervisor import FatalError

__all__ = ["open_cryptor", "private_key_path"]

_log = logging.getLogger(__name__)
_DEFAULT_NAME = "private_key.pem"
_KEY_VARIABLE = "PRIVATE_KEY"


def private_key_path(
    configured: str, data_folder: Path, environment: Mapping[str, str] | None = None
) -> Path:
    """Return where the private key is (contract, crypto section 2).

    The variable ``PRIVATE_KEY`` goes over the configuration, and a relative path lies in the
    data folder.
    """
    variables = os.environ if environment is None else environment
    given = variables.get(_KEY_VARIABLE) or configured or _DEFAULT_NAME
    return data_folder / Path(given).expanduser()


def open_cryptor(
    identity: NodeIdentity, *, is_enabled: bool, key_path: Path, api: ServerApi
) -> Cryptor:
    """Return the scheme of the collaboration, with the organization's key if it has one.

    Parameters
    ----------
    identity : NodeIdentity
        Who this node is.
    is_enabled : bool
        The node's own setting ``encryption.enabled``.
    key_path : Path
        Where its private key is.
    api : ServerApi
        For the public key at the server, which is uploaded if there is none.

    Raises
    ------
    FatalError
        If settings, keys and collaboration do not go together.
    TransportError
        If the server cannot be asked.
    """
    if identity.encrypted != is_enabled:
        raise FatalError(
            f"The collaboration is {_word(on=identity.encrypted)}, but this node has "
            f"encryption.enabled: {str(is_enabled).lower()}; correct the node's configuration."
        )
    if not is_enabled:
        return PlainCryptor()
    try:
        cryptor = RsaCryptor.from_file(key_path)
    except KeyFileError as error:
        raise FatalError(str(error)) from error
    _match_keys(identity, cryptor, api)
    return cryptor


def _match_keys(identity: NodeIdentity, cryptor: RsaCryptor, api: ServerApi) -> None:
    own = cryptor.public_key
    registered = api.organization(identity.organization_id).public_key
    if not registered:
        api.upload_public_key(identity.organization_id, own)
        _log.info("Registered the public key %s at the server", fingerprint(own))
        # Another node of the organization may have done the same at this moment.
        registered = api.organization(identity.organization_id).public_key
    theirs = _fingerprint(registered)
    if theirs != fingerprint(own):
        raise FatalError(
            f"The private key of this node has the fingerprint {fingerprint(own)}, but the public "
            f"key of organization {identity.organization_name} at the server has {theirs}; use "
            "the organization's private key, or replace the public key at the server."
        )


def _fingerprint(public_key: str) -> str:
    try:
        return fingerprint(public_key)
    except PublicKeyError:
        return "none, because it is not a key"


def _word(*, on: bool) -> str:
    return "encrypted" if on else "not encrypted"
