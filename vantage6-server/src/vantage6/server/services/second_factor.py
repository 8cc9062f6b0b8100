"""Time-based one-time passwords (RFC 6238) as the contract has them (rest-api section 3).

SHA-1, six digits, steps of 30 seconds; the code of one step before and after counts, too, because
clocks differ. Which step a code belongs to is told, so that it can be accepted only once (RFC 6238,
section 5.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote

__all__ = ["new_secret", "provisioning_uri", "step_of_code"]

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


def step_of_code(secret: str, code: str, moment: datetime) -> int | None:
    """Return the time step whose code this is at this moment, or None if it is wrong."""
    given = code.replace(" ", "").encode()
    now = int(moment.timestamp()) // _STEP
    # All are compared, so that the time taken does not tell which one came close.
    found = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(_code(secret, step).encode(), given)
    ]
    return max(found, default=None)


def _code(secret: str, step: int) -> str:
    key = base64.b32decode(secret, casefold=True)
    digest = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)
