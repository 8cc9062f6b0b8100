"""Time-based one-time passwords (RFC 6238) as the contract has them (rest-api section 3).

SHA-1, six digits, steps of 30 seconds; the code of one step before and after counts, too, because
clocks differ. A code may be used more than once within that time, as at the reference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote

__all__ = ["is_right_code", "new_secret", "provisioning_uri"]

_STEP = 30
_DIGITS = 6
_SECRET_BYTES = 20


def new_secret() -> str:
    """Return a random secret of 32 base32 characters."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def provisioning_uri(secret: str, server_name: str, username: str) -> str:
    """Return the address an authenticator app reads from a QR code."""
    issuer = quote(f"vantage6 ({server_name})", safe="")
    return f"otpauth://totp/{issuer}:{quote(username, safe='')}?secret={secret}&issuer={issuer}"


def is_right_code(secret: str, code: str, moment: datetime) -> bool:
    """Tell whether a code belongs to the secret at this moment."""
    given = code.replace(" ", "").encode()
    step = int(moment.timestamp()) // _STEP
    # All are compared, so that the time taken does not tell which one came close.
    results = [
        hmac.compare_digest(_code(secret, step + offset).encode(), given) for offset in (-1, 0, 1)
    ]
    return any(results)


def _code(secret: str, step: int) -> str:
    key = base64.b32decode(secret, casefold=True)
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)
