"""Passwords and second factors with the released client; `step` says how far we are.

Reads what it is given from standard input as JSON, and writes what it got to the file named there.
"""

from __future__ import annotations

import base64
import hmac
import json
import struct
import sys
import time
from pathlib import Path
from typing import Any

from vantage6.client import UserClient


def main(given: dict[str, Any]) -> None:
    """Take one step."""
    client = UserClient(given["host"], given["port"], given["path"], log_level="error")
    found = STEPS[given["step"]](client, given)
    Path(given["answer"]).write_text(json.dumps(found))


def change(client: UserClient, given: dict[str, Any]) -> dict[str, Any]:
    """Log in with a number as code; mistype the password, then change it; then forget it."""
    client.authenticate("root", given["old"], int(_code(given["secret"])))
    return {
        "wrong": client.util.change_my_password("mistyped", given["new"]),
        "right": client.util.change_my_password(given["old"], given["new"]),
        "forgotten": client.util.reset_my_password(username="root"),
    }


def replace(client: UserClient, given: dict[str, Any]) -> dict[str, Any]:
    """Set a password with a token, and lose the second factor."""
    return {
        "set": client.util.set_my_password(given["token"], given["new"]),
        "lost": client.util.reset_two_factor_auth(given["new"], username="root"),
    }


def renew(client: UserClient, given: dict[str, Any]) -> dict[str, Any]:
    """Set up the second factor with a token, and log in with it."""
    found = client.util.set_two_factor_auth(given["token"])
    client.authenticate("root", given["new"], _code(found["otp_secret"]))
    return {"renewed": found, "user": client.user.get(client.whoami.id_)["username"]}


STEPS = {"change": change, "replace": replace, "renew": renew}


def _code(secret: str) -> str:
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    data = digest.digest()
    start = data[-1] & 15
    return f"{(int.from_bytes(data[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


if __name__ == "__main__":
    main(json.load(sys.stdin))
