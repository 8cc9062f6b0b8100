"""Key files and public keys (contract, crypto section 2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vantage6.common.errors import KeyFileError, PublicKeyError
from vantage6.common.files import write_private

__all__ = [
    "create_private_key",
    "fingerprint",
    "load_private_key",
    "load_public_key",
    "public_key_problem",
    "public_key_text",
    "same_public_key",
]

_PUBLIC_EXPONENT = 65537
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_log = logging.getLogger(__name__)


def create_private_key(
    path: str | Path, *, overwrite: bool = False, bits: int = 4096
) -> rsa.RSAPrivateKey:
    """Make a private key and write it to a file that only its owner can read.

    Parameters
    ----------
    path : str or Path
        Where to write; missing folders are made.
    overwrite : bool
        Whether an existing file may be replaced. What was encrypted for the old key is lost then.
    bits : int
        Length of the modulus.

    Returns
    -------
    RSAPrivateKey
        The new key.

    Raises
    ------
    KeyFileError
        If the file exists and may not be replaced, or cannot be written.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise _exists(path)
    key = rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=bits)
    pem = key.private_bytes(
        encoding=serialization.Encoding.PEM,
        format=serialization.PrivateFormat.TraditionalOpenSSL,
        encryption_algorithm=serialization.NoEncryption(),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        write_private(path, pem, overwrite=overwrite)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise _not_written(path, error) from error
    return key


def load_private_key(path: str | Path) -> rsa.RSAPrivateKey:
    """Read a private key from a PEM file without passphrase (PKCS#1 or PKCS#8).

    Raises
    ------
    KeyFileError
        If there is no such file, or no such key in it.
    """
    path = Path(path)
    key = _parse_private_key(_read(path), path)
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        _log.warning("Other users can read the private key %s; run: chmod 600 %s", path, path)
    return key


def public_key_text(private_key: rsa.RSAPrivateKey) -> str:
    """Return the public key as the interface carries it: base64 of its PEM file."""
    pem = private_key.public_key().public_bytes(
        encoding=serialization.Encoding.PEM,
        format=serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    return base64.b64encode(pem).decode("ascii")


def load_public_key(text: str | None) -> rsa.RSAPublicKey:
    """Read a public key from the form in which the interface carries it.

    Raises
    ------
    PublicKeyError
        If it is missing or no RSA key.
    """
    if not text:
        raise PublicKeyError(
            "The receiving organization has no public key; one of its users or its node has to "
            "register one first."
        )
    try:
        key = serialization.load_pem_public_key(base64.b64decode(text))
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error) as error:
        raise PublicKeyError(
            "The public key is not the base64 text of a PEM file; "
            "have the organization register its key again."
        ) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise PublicKeyError(
            "The public key is no RSA key; have the organization register one of that kind."
        )
    return key


def public_key_problem(text: str | None) -> str | None:
    """Say in a sentence what is wrong with a public key, or return None if nothing is."""
    try:
        load_public_key(text)
    except PublicKeyError as error:
        return str(error)
    return None


def same_public_key(stored: str | None, own: str) -> bool:
    """Tell whether the key at the server is ours, comparing the PEM files byte by byte.

    Line ends count, as they do for the released clients: with a looser comparison they and we
    would take turns in replacing the key (contract, crypto section 2).
    """
    try:
        return bool(stored) and base64.b64decode(stored or "") == base64.b64decode(own)
    except (ValueError, binascii.Error):
        return False


def fingerprint(text: str) -> str:
    """Name a public key in short, as ``SHA256:`` and the digest of its DER form.

    Raises
    ------
    PublicKeyError
        If `text` is no key.
    """
    der = load_public_key(text).public_bytes(
        encoding=serialization.Encoding.DER,
        format=serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')}"


def _exists(path: Path) -> KeyFileError:
    return KeyFileError(
        f"The private key {path} exists already; use it, or ask for overwriting, after which "
        "nothing encrypted for the old key can be read any more."
    )


def _not_written(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(
        f"The private key cannot be written to {path} ({error.strerror}); "
        "choose a folder you may write to."
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise KeyFileError(
            f"There is no private key at {path}; give the path of an existing key or create one."
        ) from None
    except OSError as error:
        raise KeyFileError(
            f"The private key {path} cannot be read ({error.strerror}); "
            "give the path of a file you may read."
        ) from error


def _parse_private_key(pem: bytes, path: Path) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise KeyFileError(
            f"The private key {path} is protected by a passphrase; save it without one "
            "(openssl rsa -in KEY -out NEW_KEY)."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(
            f"The file {path} holds no private key in PEM form; "
            "give one that begins with -----BEGIN RSA PRIVATE KEY----- or similar."
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFileError(f"The private key {path} is no RSA key; give one of that kind.")
    return key
