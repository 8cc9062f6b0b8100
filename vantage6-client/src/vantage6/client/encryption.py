"""Keys: our own, the one registered at the server, and those of the organizations addressed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath

from vantage6.client.log import logger
from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import CryptoError, PublicKeyError, ResponseError
from vantage6.common.http.paging import all_items
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path

__all__ = ["check_agreement", "check_replacement", "recipient_keys", "register_public_key"]


def register_public_key(
    transport: Transport, organization_id: int, public_key: str, *, replace: bool
) -> None:
    """Make sure that the server has our public key.

    Parameters
    ----------
    transport : Transport
        Connection of a user of the organization.
    organization_id : int
        Our organization.
    public_key : str
        Our key as the interface carries it.
    replace : bool
        Whether to replace another key. Its holders can then not read new messages any more.

    Raises
    ------
    CryptoError
        If the server has another key and it may not be replaced, or does not take ours.
    """
    from vantage6.common.crypto.keys import fingerprint, same_public_key

    stored = _stored_key(transport, organization_id)
    if same_public_key(stored, public_key):
        logger.info("The public key at the server is that of the private key in use.")
        return
    if not replace:
        _refuse_other_key(stored, public_key, organization_id)
    try:
        transport.patch(
            Path.ORGANIZATION.format(id=organization_id),
            {"public_key": public_key},
            retry=True,  # the same key twice makes no difference
        )
    except ResponseError as error:
        raise CryptoError(
            f"The server did not take the public key of organization {organization_id}: {error}"
        ) from error
    logger.info("The public key %s is registered at the server.", fingerprint(public_key))


def check_replacement(transport: Transport, organization_id: int, *, replace: bool) -> None:
    """Make sure that a key still to be made may be registered.

    Raises
    ------
    CryptoError
        If the organization has a key already and it may not be replaced.
    """
    stored = _stored_key(transport, organization_id)
    if stored and not replace:
        raise CryptoError(
            f"Organization {organization_id} has the public key {_name(stored)} already, so no "
            "new one is made; use its private key with client.setup_encryption(<file>), or pass "
            "replace=True if nobody has that any more."
        )


def recipient_keys(transport: Transport, organizations: Sequence[int]) -> dict[int, str]:
    """Return the public keys of some organizations.

    Raises
    ------
    PublicKeyError
        If one of them has no usable key, or cannot be seen; the message names it.
    """
    from vantage6.common.crypto.keys import public_key_problem

    found = {
        int(item["id"]): item
        for item in all_items(transport, Path.ORGANIZATIONS, {"ids": [*organizations]})
    }
    keys = {}
    for id_ in organizations:
        if id_ not in found:
            raise PublicKeyError(
                f"The public key of organization {id_} cannot be read, so nothing was sent; "
                "check that there is such an organization and that you may see it."
            )
        organization = found[id_]
        key = organization.get("public_key") or ""
        if problem := public_key_problem(key):
            raise PublicKeyError(
                f"Nothing can be encrypted for organization {organization['name']} ({id_}), "
                f"so nothing was sent: {problem}"
            )
        keys[id_] = key
    return keys


def check_agreement(
    transport: Transport, cryptor: Cryptor, collaboration: int | None, study: int | None
) -> None:
    """Make sure that we encrypt if, and only if, the collaboration is encrypted.

    Checked before anything is sent, so that no server ever sees an input that was meant to be
    secret. A collaboration that we may not see is left to the server's own check.

    Raises
    ------
    CryptoError
        If they differ.
    """
    try:
        if collaboration is None:
            found = transport.get(Path.STUDY.format(id=study))
            collaboration = int(found["collaboration"]["id"])
        encrypted = bool(transport.get(Path.COLLABORATION.format(id=collaboration))["encrypted"])
    except ResponseError as error:
        logger.debug("Whether the collaboration is encrypted cannot be read: %s", error)
        return
    if encrypted and not cryptor.encrypts:
        raise CryptoError(
            f"Collaboration {collaboration} is encrypted, so nothing was sent; call "
            "client.setup_encryption(<private key file of your organization>) first."
        )
    if cryptor.encrypts and not encrypted:
        raise CryptoError(
            f"Collaboration {collaboration} is not encrypted but your client is set to encrypt, "
            "so nothing was sent; call client.setup_encryption(None) if the server may read "
            "inputs and results."
        )


def key_path(private_key_file: str | FilePath) -> FilePath:
    """Return the path of a key file, with ``~`` resolved."""
    return FilePath(private_key_file).expanduser()


def _stored_key(transport: Transport, organization_id: int) -> str:
    organization = transport.get(Path.ORGANIZATION.format(id=organization_id))
    return organization.get("public_key") or ""


def _refuse_other_key(stored: str, public_key: str, organization_id: int) -> None:
    """Raise if the server has another key; the same one in another notation is no other."""
    if not stored or _name(stored) == _name(public_key):
        return
    raise CryptoError(
        f"The server has the public key {_name(stored)} for organization {organization_id}, but "
        f"the private key in use has {_name(public_key)}; use the private key that belongs to "
        "the registered one, or pass replace=True, after which its holders, also your node, "
        "cannot read anything new."
    )


def _name(public_key: str) -> str:
    """Return the fingerprint, or a phrase for what is no key."""
    from vantage6.common.crypto.keys import fingerprint

    try:
        return fingerprint(public_key)
    except PublicKeyError:
        return "(not a key)"
