"""Names of the claims in tokens (contract, rest-api section 3), and reading them unverified."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

__all__ = [
    "CLIENT_TYPE_CLAIM",
    "EXPIRY_CLAIM",
    "ROLES_CLAIM",
    "SUBJECT_CLAIM",
    "unverified_claims",
]

SUBJECT_CLAIM = "sub"
CLIENT_TYPE_CLAIM = "client_type"
ROLES_CLAIM = "roles"
EXPIRY_CLAIM = "exp"


def unverified_claims(token: str) -> dict[str, Any]:
    """Read the claims of a token without checking its signature.

    The holder of a token learns from it who it is; only the server can verify it.

    Raises
    ------
    ValueError
        If the text is not a JSON web token.
    """
    try:
        _, body, _ = token.strip().split(".")
        padded = body + "=" * (-len(body) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error) as error:
        raise ValueError("The token is not a JSON web token; log in again.") from error
    if not isinstance(claims, dict):
        raise ValueError("The token's claims are not an object; log in again.")  # noqa: TRY004
    return claims
