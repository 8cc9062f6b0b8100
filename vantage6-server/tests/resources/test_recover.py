"""Getting back into an account by mail: one way in, and many that stay closed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from vantage6.server.mail.base import Mail, MailError
from vantage6.server.models import User

OLD, NEW = "Passw0rd!", "Passw0rd!2"
NAME = "alpha_adm"
ADDRESS = "alpha_adm@x.org"
SMTP = {"smtp": {"server": "localhost"}}


class Postbox:
    """Takes mails, or refuses them."""

    reaches_users = True

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refuses = False

    def send(self, mail: Mail) -> None:
        if self.refuses:
            raise MailError("The mail server did not take a mail.")
        self.mails.append(mail)

    @property
    def token(self) -> str:
        """The token in the last mail."""
        found = re.search(r"^[\w-]+\.[\w-]+\.[\w-]+$", self.mails[-1].text, re.MULTILINE)
        assert found is not None
        return found[0]


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def world(make_world: Callable[..., Any], postbox: Postbox) -> Any:
    return make_world(mailer=postbox)


def _post(world: Any, path: str, body: Any, **headers: str) -> Any:
    answer = world.call(None, "POST", path, body, headers=headers)
    world.services.courier.finish()
    return answer


def _lost(world: Any, **whom: str) -> Any:
    return _post(world, "/recover/lost", whom or {"username": NAME})


def _reset(world: Any, token: str, password: str = NEW) -> Any:
    return _post(world, "/recover/reset", {"reset_token": token, "password": password})


def _lost_factor(world: Any, password: str = OLD, **more: Any) -> Any:
    return _post(world, "/recover/2fa/lost", {"username": NAME, "password": password, **more})


def _reset_factor(world: Any, token: str) -> Any:
    return _post(world, "/recover/2fa/reset", {"reset_token": token})


def _log_in(world: Any, password: str, code: str | None = None) -> Any:
    body = {"username": NAME, "password": password}
    return _post(world, "/token/user", body | ({"mfa_code": code} if code else {}))


def _change(world: Any, **values: Any) -> None:
    with world.session() as session:
        user = session.get_one(User, world.identity(NAME))
        for name, value in values.items():
            setattr(user, name, value)


def _stored(world: Any) -> User:
    with world.services.work(write=False) as work:
        user: User = work.session.get_one(User, world.identity(NAME))
    return user


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


class TestAsking:
    @pytest.mark.parametrize(
        "whom", [{"username": NAME}, {"email": ADDRESS}, {"username": NAME, "email": ADDRESS}]
    )
    def test_a_mail_with_a_token_is_sent(
        self, world: Any, postbox: Postbox, whom: dict[str, str]
    ) -> None:
        assert _lost(world, **whom).status_code == 200
        (mail,) = postbox.mails
        assert mail.recipient == ADDRESS
        assert "Dear first" in mail.text
        assert postbox.token in mail.html

    @pytest.mark.parametrize(
        "whom",
        [
            {"username": "ghost"},
            {"email": "ghost@x.org"},
            {"username": NAME, "email": "alpha_res@x.org"},
            {"username": "alpha-plain"},
        ],
    )
    def test_unknown_accounts_get_the_same_answer_and_no_mail(
        self, world: Any, postbox: Postbox, whom: dict[str, str]
    ) -> None:
        known, unknown = _lost(world), _lost(world, **whom)
        assert unknown.status_code == known.status_code == 200
        assert unknown.json == known.json
        assert len(postbox.mails) == 1

    def test_the_answer_does_not_wait_for_the_database_or_the_mail(
        self, world: Any, postbox: Postbox
    ) -> None:
        with world.counting_statements() as statements:
            answer = world.call(None, "POST", "/recover/lost", {"username": NAME})
            assert answer.status_code == 200
            assert statements == []
            assert postbox.mails == []
            world.services.courier.finish()
        assert len(postbox.mails) == 1

    def test_a_second_mail_comes_after_the_pause_only(self, world: Any, postbox: Postbox) -> None:
        for _ in range(2):
            assert _lost(world).status_code == 200
        assert len(postbox.mails) == 1
        world.clock.advance(3599)
        _lost(world)
        assert len(postbox.mails) == 1
        world.clock.advance(1)
        _lost(world)
        assert len(postbox.mails) == 2

    def test_the_pause_follows_the_settings(
        self, make_world: Callable[..., Any], postbox: Postbox
    ) -> None:
        world = make_world(mailer=postbox, password_policy={"between_user_emails_minutes": 1})
        for _ in range(2):
            _lost(world)
            world.clock.advance(60)
        assert len(postbox.mails) == 2

    def test_a_mail_that_nobody_took_is_logged_and_may_be_asked_for_again(
        self, world: Any, postbox: Postbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        postbox.refuses = True
        assert _lost(world).status_code == 200
        assert "was not sent" in caplog.text
        assert ADDRESS not in caplog.text
        assert _stored(world).last_email_recover_password_sent is None
        postbox.refuses = False
        _lost(world)
        assert len(postbox.mails) == 1

    def test_a_user_without_address_gets_none(self, world: Any, postbox: Postbox) -> None:
        _change(world, email=None)
        assert _lost(world).status_code == 200
        assert postbox.mails == []

    def test_without_mail_server_nothing_happens(
        self, make_world: Callable[..., Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        world = make_world()
        assert _lost(world).status_code == 200
        assert capsys.readouterr().out == ""

    def test_in_development_the_terminal_shows_the_mail(
        self, make_world: Callable[..., Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        world = make_world(dev={})
        _lost(world)
        found = re.search(r"^[\w-]+\.[\w-]+\.[\w-]+$", capsys.readouterr().out, re.MULTILINE)
        assert found is not None
        assert _reset(world, found[0]).status_code == 200


class TestNewPassword:
    @pytest.fixture
    def token(self, world: Any, postbox: Postbox) -> str:
        _lost(world)
        return postbox.token

    def test_the_token_sets_a_new_password(self, world: Any, token: str) -> None:
        assert _reset(world, token).status_code == 200
        assert _log_in(world, OLD).status_code == 401
        assert _log_in(world, NEW).status_code == 200

    def test_a_token_is_used_once(self, world: Any, token: str) -> None:
        assert _reset(world, token).status_code == 200
        assert _reset(world, token, "An0ther-one").status_code == 400
        assert _log_in(world, NEW).status_code == 200

    def test_of_two_tokens_one_can_be_used(self, world: Any, postbox: Postbox, token: str) -> None:
        world.clock.advance(3599)
        _change(world, last_email_recover_password_sent=None)
        _lost(world)
        assert postbox.token != token
        assert _reset(world, postbox.token).status_code == 200
        assert _reset(world, token, "An0ther-one").status_code == 400

    def test_a_change_of_the_password_ends_it(self, world: Any, token: str) -> None:
        body = {"current_password": OLD, "new_password": NEW}
        assert world.call(NAME, "PATCH", "/password/change", body).status_code == 200
        assert _reset(world, token, "An0ther-one").status_code == 400

    def test_a_change_of_the_address_ends_it(self, world: Any, token: str) -> None:
        _change(world, email="new@x.org")
        assert _reset(world, token).status_code == 400

    def test_the_end_of_the_account_ends_it(self, world: Any, token: str) -> None:
        identity = world.identity(NAME)
        assert world.call("root", "DELETE", f"/user/{identity}").status_code == 200
        assert _reset(world, token).status_code == 400

    def test_it_ends_after_its_time(self, world: Any, token: str) -> None:
        world.clock.advance(3600)
        assert _reset(world, token).status_code == 401
        assert _log_in(world, OLD).status_code == 200

    def test_its_time_follows_the_settings(
        self, make_world: Callable[..., Any], postbox: Postbox
    ) -> None:
        world = make_world(mailer=postbox, smtp={"email_token_validity_minutes": 5})
        _lost(world)
        assert "within 5 minutes" in postbox.mails[-1].text
        world.clock.advance(299)
        assert _reset(world, postbox.token).status_code == 200

    def test_it_ends_a_block(self, world: Any, token: str) -> None:
        for _ in range(5):
            _log_in(world, "wrong")
        assert _log_in(world, OLD).status_code == 401
        assert _reset(world, token).status_code == 200
        assert _log_in(world, NEW).status_code == 200

    def test_after_it_was_used_the_next_mail_needs_no_pause(
        self, world: Any, postbox: Postbox, token: str
    ) -> None:
        _reset(world, token)
        _lost(world)
        assert len(postbox.mails) == 2

    def test_a_weak_password_leaves_the_token(self, world: Any, token: str) -> None:
        answer = _reset(world, token, "weak")
        assert answer.status_code == 400
        assert set(answer.json["errors"]) == {"password"}
        assert _reset(world, token).status_code == 200

    def test_it_opens_no_endpoint(self, world: Any, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        for path in ("/user", "/organization"):
            assert world.call(None, "GET", path, headers=headers).status_code == 422
        answer = world.call(None, "POST", "/token/refresh", headers=headers)
        assert answer.status_code == 422

    def test_login_tokens_are_no_recovery_tokens(self, world: Any) -> None:
        assert _reset(world, world.token(NAME)).status_code == 400
        assert _reset_factor(world, world.token(NAME)).status_code == 400

    @pytest.mark.parametrize(
        "text",
        ["", ".", "..", "a.b.c", "é.é.é", "." * 1024, "e30.e30.e30", "eyJhbGciOjF9.e30.", " "],
    )
    def test_other_texts_are_no_tokens(self, world: Any, text: str) -> None:
        assert _reset(world, text).status_code == 400
        assert _reset_factor(world, text).status_code == 400

    def test_it_names_the_user_as_the_contract_says(self, world: Any, token: str) -> None:
        assert _claims(token)["sub"] == {"id": str(world.identity(NAME))}
        assert len(token) <= 1024

    @pytest.mark.parametrize(
        "change",
        [
            {"sub": {"id": "1"}},
            {"exp": 2**40},
            {"purpose": "second factor"},
            {"purpose": "anything"},
            {"sub": 6},
            {"state": None},
        ],
    )
    def test_a_changed_token_is_refused_even_if_signed_with_the_secret_of_logins(
        self, world: Any, token: str, change: dict[str, Any]
    ) -> None:
        claims = _claims(token) | change
        for key, algorithm in (("s" * 48, "HS256"), ("", "none")):
            forged = jwt.encode(claims, key, algorithm=algorithm)
            assert _reset(world, forged).status_code == 400
        assert _log_in(world, OLD).status_code == 200


class TestNewSecondFactor:
    @pytest.fixture
    def world(self, make_world: Callable[..., Any], postbox: Postbox) -> Any:
        world = make_world(mailer=postbox, two_factor_auth=True)
        _change(world, otp_secret="A" * 32)
        return world

    def test_the_token_sets_a_new_secret(self, world: Any, postbox: Postbox) -> None:
        assert _lost_factor(world).status_code == 200
        answer = _reset_factor(world, postbox.token)
        assert answer.status_code == 200
        assert set(answer.json) == {"qr_uri", "otp_secret", "msg"}
        secret = answer.json["otp_secret"]
        assert f"secret={secret}" in answer.json["qr_uri"]
        assert f":{NAME}?" in answer.json["qr_uri"]
        assert _log_in(world, OLD, _code(world, "A" * 32)).status_code == 401
        assert _log_in(world, OLD, _code(world, secret)).status_code == 200

    def test_a_used_step_of_the_old_secret_does_not_block_the_new_one(
        self, world: Any, postbox: Postbox
    ) -> None:
        assert _log_in(world, OLD, _code(world, "A" * 32)).status_code == 200
        _lost_factor(world)
        secret = _reset_factor(world, postbox.token).json["otp_secret"]
        assert _log_in(world, OLD, _code(world, secret)).status_code == 200

    def test_it_can_be_used_once(self, world: Any, postbox: Postbox) -> None:
        _lost_factor(world)
        assert _reset_factor(world, postbox.token).status_code == 200
        assert _reset_factor(world, postbox.token).status_code == 400

    def test_it_ends_after_its_time(self, world: Any, postbox: Postbox) -> None:
        _lost_factor(world)
        world.clock.advance(3600)
        assert _reset_factor(world, postbox.token).status_code == 401

    def test_a_change_of_the_password_ends_it(self, world: Any, postbox: Postbox) -> None:
        _lost_factor(world)
        token = postbox.token
        _lost(world)
        assert _reset(world, postbox.token).status_code == 200
        assert _reset_factor(world, token).status_code == 400

    def test_tokens_hold_for_their_purpose_only(self, world: Any, postbox: Postbox) -> None:
        _log_in(world, OLD)  # brings the stored form of the password up to date, which ends tokens
        _lost(world)
        for_password = postbox.token
        _lost_factor(world)
        for_factor = postbox.token
        assert _reset_factor(world, for_password).status_code == 400
        assert _reset(world, for_factor).status_code == 400
        assert _reset_factor(world, for_factor).status_code == 200
        assert _reset(world, for_password).status_code == 200

    def test_the_two_kinds_of_mails_do_not_wait_for_each_other(
        self, world: Any, postbox: Postbox
    ) -> None:
        _lost(world)
        _lost_factor(world)
        _lost_factor(world)
        assert len(postbox.mails) == 2

    def test_the_address_that_released_clients_add_is_ignored(
        self, world: Any, postbox: Postbox
    ) -> None:
        assert _lost_factor(world, email=None).status_code == 200
        assert postbox.mails[0].recipient == ADDRESS

    def test_wrong_passwords_count_and_right_ones_do_not_reset_the_count(
        self, world: Any, postbox: Postbox
    ) -> None:
        for _ in range(4):
            assert _lost_factor(world, "wrong").status_code == 401
        assert _lost_factor(world).status_code == 200
        assert _stored(world).failed_login_attempts == 4
        assert _lost_factor(world, "wrong").status_code == 401
        assert _lost_factor(world).status_code == 401
        assert [mail.subject for mail in postbox.mails if "blocked" in mail.subject]

    def test_unknown_users_are_refused_like_wrong_passwords(self, world: Any) -> None:
        body = {"username": "ghost", "password": OLD}
        unknown = _post(world, "/recover/2fa/lost", body)
        wrong = _lost_factor(world, "wrong")
        ids = {"request_id"}
        assert unknown.status_code == wrong.status_code == 401
        assert {key: unknown.json[key] for key in unknown.json.keys() - ids} == {
            key: wrong.json[key] for key in wrong.json.keys() - ids
        }

    def test_without_mail_server_the_answer_says_so(self, make_world: Callable[..., Any]) -> None:
        world = make_world()
        assert _lost_factor(world).status_code == 400
        assert _lost_factor(world, "wrong").status_code == 401


def _code(world: Any, secret: str) -> str:
    step = struct.pack(">Q", int(world.clock.now().timestamp()) // 30)
    digest = hmac.new(base64.b32decode(secret), step, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


class TestBlockedAccounts:
    def _block(self, world: Any) -> None:
        for _ in range(5):
            assert _log_in(world, "wrong").status_code == 401

    def _knock(self, world: Any, route: str = "192.0.2.1, 198.51.100.7") -> None:
        body = {"username": NAME, "password": OLD}
        headers = {"X-Forwarded-For": route}
        assert _post(world, "/token/user", body, **headers).status_code == 401

    def test_a_try_while_blocked_is_told_to_the_user(self, world: Any, postbox: Postbox) -> None:
        self._block(world)
        assert postbox.mails == []
        self._knock(world)
        (mail,) = postbox.mails
        assert mail.recipient == ADDRESS
        assert "5 wrong passwords or codes" in mail.text
        assert "from 198.51.100.7 at 2026-01-01 00:00 UTC" in mail.text
        assert "wait 15 minutes" in mail.text
        assert "support@vantage6.ai" in mail.text

    def test_the_user_is_told_once_per_pause(self, world: Any, postbox: Postbox) -> None:
        self._block(world)
        for _ in range(3):
            self._knock(world)
        assert len(postbox.mails) == 1
        world.clock.advance(3600)
        self._block(world)
        self._knock(world)
        assert len(postbox.mails) == 2

    @pytest.mark.parametrize("route", ["<script>", "click here: evil.example"])
    def test_what_is_no_address_is_not_repeated(
        self, world: Any, postbox: Postbox, route: str
    ) -> None:
        self._block(world)
        self._knock(world, route)
        assert "from an unknown address at" in postbox.mails[0].text
        assert route not in postbox.mails[0].html

    def test_unknown_users_cause_no_mail(self, world: Any, postbox: Postbox) -> None:
        for _ in range(7):
            _post(world, "/token/user", {"username": "ghost", "password": "x"})
        assert postbox.mails == []


def test_refusals_of_a_login_take_the_same_time_for_everybody(world: Any) -> None:
    taken = []
    for name in (NAME, "ghost"):
        before = world.clock.monotonic()
        _post(world, "/token/user", {"username": name, "password": "wrong"})
        taken.append(world.clock.monotonic() - before)
    assert taken == [0.5, 0.5]
