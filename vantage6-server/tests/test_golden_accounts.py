"""Replays the recorded exchanges of passwords, lost passwords and second factors.

Where the recording shows what the contract calls a quirk or a weakness, the answer we give on
purpose is listed here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from vantage6.common.testing.golden import differences
from vantage6.server.mail.base import Mail
from vantage6.server.models import Node, User

SAMPLES = Path(__file__).parents[2] / "tests" / "contract" / "data" / "golden"
FILES = (
    "password_change__PATCH",
    "recover_2fa_lost__POST",
    "recover_2fa_reset__POST",
    "recover_lost__POST",
    "recover_node__POST",
    "recover_reset__POST",
    "token_user__POST",
)

# File, case: the status we answer instead of the recorded one.
DELIBERATE = {
    ("recover_2fa_lost__POST", "email-key"): 200,
    ("recover_reset__POST", "login-token-used"): 400,
    ("recover_reset__POST", "token-reused"): 400,
}
# Cases that need a mail to begin with: how to ask for it.
TOKENS = {
    "recover_reset__POST": ("/recover/lost", {"username": "alpha_adm"}),
    "recover_2fa_reset__POST": (
        "/recover/2fa/lost",
        {"username": "alpha_adm", "password": "Passw0rd!"},
    ),
}
SECRET = "A" * 32
TOKEN = re.compile(r"^[\w-]+\.[\w-]+\.[\w-]+$", re.MULTILINE)


class Postbox:
    reaches_users = True

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def send(self, mail: Mail) -> None:
        self.mails.append(mail)


def _cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for stem in FILES:
        sample = json.loads((SAMPLES / f"{stem}.json").read_text(encoding="utf-8"))
        for case in sample["cases"]:
            if stem != "token_user__POST" or case["case"].startswith("2fa:"):
                yield stem, case


@pytest.mark.parametrize(
    ("stem", "case"), [pytest.param(*pair, id=f"{pair[0]}-{pair[1]['case']}") for pair in _cases()]
)
def test_recorded_exchange_is_answered_alike(
    stem: str, case: dict[str, Any], make_world: Callable[..., Any]
) -> None:
    postbox = Postbox()
    world = make_world(mailer=postbox, two_factor_auth=case["case"].startswith("2fa:"))
    with world.session() as session:
        _store_earlier_records(session, case["case"])
    request = case["request"]
    body = _filled_in(world, postbox, stem, case)
    if case["case"] == "token-reused":
        assert world.call(None, "POST", "/recover/reset", body).status_code == 200
    postbox.mails.clear()
    path = request["path"].removeprefix("/api")
    answer = world.call(_speaker(case["caller"]), request["method"], path, body)
    world.services.courier.finish()
    expected = case["response"]
    deliberate = DELIBERATE.get((stem, case["case"]))
    assert answer.status_code == (deliberate or expected["status"]), answer.json
    assert answer.content_type == expected["content_type"]
    if deliberate is None:
        assert not list(_body_differences(expected, answer))
    if "emails" in case:
        assert len(postbox.mails) == len(case["emails"])


def _speaker(caller: str) -> str | None:
    return None if caller == "anonymous" else caller.split()[1]


def _body_differences(expected: dict[str, Any], answer: Any) -> Iterator[str]:
    if answer.status_code >= 400:
        assert isinstance(answer.json["msg"], str)
        if "errors" in expected["body"]:
            yield from differences(expected["body"]["errors"], answer.json["errors"])
        return
    shape = dict(expected["body"])
    if shape.pop("qr_uri", None):
        assert answer.json["qr_uri"].startswith("otpauth://totp/vantage6%20%28cotopaxi%29:")
        assert len(answer.json["otp_secret"]) == 32
        shape["qr_uri"] = "str"
    yield from differences(shape, answer.json)
    assert ("jwt-token" in expected["headers"]) == ("jwt-token" in answer.headers)


def _filled_in(world: Any, postbox: Postbox, stem: str, case: dict[str, Any]) -> Any:
    body = dict(case["request"]["body"])
    if body.get("password") == "root":
        body["password"] = "Passw0rd!"
    if case["case"] == "2fa:right-code":
        body["mfa_code"] = _code(world)
    token = body.get("reset_token", "")
    if "login token" in token:
        body["reset_token"] = world.token("alpha_adm")
    elif "reset token" in token:
        path, whom = TOKENS[stem]
        assert world.call(None, "POST", path, whom).status_code == 200
        world.services.courier.finish()
        found = TOKEN.search(postbox.mails[-1].text)
        assert found is not None
        body["reset_token"] = found[0]
    return body


def _code(world: Any) -> str:
    step = struct.pack(">Q", int(world.clock.now().timestamp()) // 30)
    digest = hmac.new(base64.b32decode(SECRET), step, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def _store_earlier_records(session: Session, case: str) -> None:
    session.add(Node(id=19, name="earlier", organization_id=2, status="offline"))
    if case.startswith("2fa:") and case != "2fa:first-login":
        session.get_one(User, 1).otp_secret = SECRET


def test_every_recorded_case_is_replayed() -> None:
    names = {(stem, case["case"]) for stem, case in _cases()}
    assert set(DELIBERATE) <= names
    assert len(names) == 24
