"""One-time codes, and logging in with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from vantage6.server.models import User
from vantage6.server.services.second_factor import new_secret, provisioning_uri, step_of_code

# The secret and codes of RFC 6238, appendix B, cut to six digits.
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


def code_at(secret: str, moment: datetime) -> str:
    """Compute a code as an authenticator app does, apart from the code under test."""
    step = struct.pack(">Q", int(moment.timestamp()) // 30)
    digest = hmac.new(base64.b32decode(secret), step, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def _at(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert step_of_code(RFC_SECRET, code, _at(seconds)) == seconds // 30
    spaced = f"{code[:3]} {code[3:]}"
    assert step_of_code(RFC_SECRET.lower(), spaced, _at(seconds)) == seconds // 30


@pytest.mark.parametrize(("shift", "right"), [(-31, True), (30, True), (-61, False), (61, False)])
def test_the_steps_before_and_after_count_too(shift: int, right: bool) -> None:
    found = step_of_code(RFC_SECRET, "279037", _at(2000000000 + shift))
    assert found == (2000000000 // 30 if right else None)


@pytest.mark.parametrize("code", ["", "27903", "2790370", "abcdef", "27903\u0667"])
def test_other_texts_are_no_code(code: str) -> None:
    assert step_of_code(RFC_SECRET, code, _at(2000000000)) is None


def test_secrets_are_random_and_as_long_as_the_contract_says() -> None:
    assert len(new_secret()) == 32
    assert new_secret() != new_secret()


def test_the_address_for_apps_is_escaped() -> None:
    assert provisioning_uri("SECRET", "my server", "a&b") == (
        "otpauth://totp/vantage6%20%28my%20server%29:a%26b"
        "?secret=SECRET&issuer=vantage6%20%28my%20server%29"
    )


class TestLogin:
    NAME = "alpha_adm"

    @pytest.fixture
    def world(self, make_world: Callable[..., Any]) -> Any:
        world = make_world(
            two_factor_auth=True,
            password_policy={"max_failed_attempts": 3, "inactivation_minutes": 1},
        )
        # The moment at which the standard's secret gives a code that is known.
        world.clock.advance((_at(2000000000) - world.clock.now()).total_seconds())
        return world

    def _log_in(self, world: Any, password: str = "Passw0rd!", code: Any = None) -> Any:
        body = {"username": self.NAME, "password": password}
        if code is not None:
            body["mfa_code"] = code
        return world.call(None, "POST", "/token/user", body)

    def _give_secret(self, world: Any) -> None:
        with world.session() as session:
            session.get_one(User, world.identity(self.NAME)).otp_secret = RFC_SECRET

    def test_the_first_login_gives_a_secret_and_no_tokens(self, world: Any) -> None:
        answer = self._log_in(world)
        assert answer.status_code == 200
        assert set(answer.json) == {"qr_uri", "otp_secret", "msg"}
        assert answer.json["otp_secret"] in answer.json["qr_uri"]
        assert "jwt-token" not in answer.headers

    def test_the_secret_is_shown_once(self, world: Any) -> None:
        self._log_in(world)
        assert set(self._log_in(world).json) == {"msg"}

    def test_a_wrong_password_gives_no_secret(self, world: Any) -> None:
        assert self._log_in(world, password="wrong").status_code == 401
        assert "qr_uri" in self._log_in(world).json

    @pytest.mark.parametrize("code", ["279037", 279037])
    def test_the_right_code_gives_tokens(self, world: Any, code: Any) -> None:
        self._give_secret(world)
        answer = self._log_in(world, code=code)
        assert answer.status_code == 200
        assert "access_token" in answer.json

    def test_a_number_has_lost_its_leading_zeros(self, world: Any) -> None:
        self._give_secret(world)
        world.clock.advance(-(2000000000 - 1234567890))
        assert "access_token" in self._log_in(world, code=5924).json

    def test_wrong_codes_block_the_account_although_the_password_is_right(self, world: Any) -> None:
        self._give_secret(world)
        for _ in range(3):
            assert self._log_in(world, code="000000").status_code == 401
        assert self._log_in(world, code="279037").status_code == 401

    def test_a_code_lets_in_once(self, world: Any) -> None:
        self._give_secret(world)
        assert self._log_in(world, code="279037").status_code == 200
        assert self._log_in(world, code="279037").status_code == 401

    def test_a_code_of_an_earlier_step_is_refused_after_a_later_one(self, world: Any) -> None:
        self._give_secret(world)
        now = world.clock.now()
        codes = [code_at(RFC_SECRET, now + timedelta(seconds=30 * step)) for step in (0, 1)]
        assert self._log_in(world, code=codes[1]).status_code == 200
        assert self._log_in(world, code=codes[0]).status_code == 401

    def test_the_code_of_the_next_step_lets_in_again(self, world: Any) -> None:
        self._give_secret(world)
        assert self._log_in(world, code="279037").status_code == 200
        world.clock.advance(30)
        code = code_at(RFC_SECRET, world.clock.now())
        assert self._log_in(world, code=code).status_code == 200

    def test_a_wrong_password_uses_up_no_code(self, world: Any) -> None:
        self._give_secret(world)
        assert self._log_in(world, "wrong", "279037").status_code == 401
        assert self._log_in(world, code="279037").status_code == 200

    def test_asking_without_a_code_does_not_reset_the_count(self, world: Any) -> None:
        self._give_secret(world)
        for _ in range(2):
            self._log_in(world, code="000000")
        assert set(self._log_in(world).json) == {"msg"}
        self._log_in(world, code="000000")
        assert self._log_in(world, code="279037").status_code == 401

    def test_without_the_setting_no_code_is_asked_for(self, make_world: Any) -> None:
        world = make_world()
        self._give_secret(world)
        assert "access_token" in self._log_in(world).json
