"""Tokens that look like a server's; nobody checks their signature."""

from __future__ import annotations

import base64
import json
from typing import Any

__all__ = ["make_token", "token_answer"]


def make_token(lifetime: float | None = 3600, **claims: Any) -> str:
    """Return a token with some claims, valid for `lifetime` seconds from the epoch on."""
    body: dict[str, Any] = {"iat": 0, "type": "access", "sub": 1, **claims}
    if lifetime is not None:
        body["exp"] = lifetime
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, body))
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, "signature"))


def token_answer(name: str = "first", lifetime: float | None = 3600) -> dict[str, str]:
    """Return a login answer; `name` makes the tokens of several logins different."""
    return {
        "access_token": make_token(lifetime, jti=name),
        "refresh_token": f"refresh-{name}",
        "refresh_url": "/api/token/refresh",
        "user_url": "/api/user/1",
    }
