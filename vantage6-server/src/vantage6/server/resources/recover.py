"""``/recover/…`` for users (contract, rest-api section 4.3)."""

from __future__ import annotations

from flask_restful import Resource

from vantage6.common.wire.rest.recover import (
    PasswordLost,
    PasswordReset,
    SecondFactorLost,
    SecondFactorReset,
)
from vantage6.server.resources.auth import services
from vantage6.server.resources.request import client_address, load_body
from vantage6.server.services.second_factor import provisioning_uri

__all__ = ["ROUTES"]

_ON_ITS_WAY = "If there is such an account, a mail with a token is on its way to its address."


class LostPassword(Resource):
    """Where somebody asks for a new password."""

    def post(self) -> dict[str, str]:
        """Send a token by mail; whether there is such an account is not told."""
        body = load_body(PasswordLost())
        services().recovery.request_password(body.get("username"), body.get("email"))
        return {"msg": _ON_ITS_WAY}


class NewPassword(Resource):
    """Where a token from a mail becomes a new password."""

    def post(self) -> dict[str, str]:
        """Set it."""
        body = load_body(PasswordReset())
        services().recovery.set_password(body["reset_token"], body["password"])
        return {"msg": "The password is changed."}


class LostSecondFactor(Resource):
    """Where somebody asks for a new second factor."""

    def post(self) -> dict[str, str]:
        """Send a token by mail to a user who knows the password."""
        body = load_body(SecondFactorLost())
        services().recovery.request_second_factor(
            body["username"], body["password"], source=client_address()
        )
        return {"msg": "A mail with a token is on its way to the address of your account."}


class NewSecondFactorSecret(Resource):
    """Where a token from a mail becomes a new second factor."""

    def post(self) -> dict[str, str]:
        """Make one; it is in this answer and in no other."""
        body = load_body(SecondFactorReset())
        here = services()
        new = here.recovery.set_second_factor(body["reset_token"])
        return {
            "qr_uri": provisioning_uri(new.secret, here.settings["server_name"], new.username),
            "otp_secret": new.secret,
            "msg": "Scan the QR code with an authenticator app; the old codes hold no more.",
        }


ROUTES = (
    ("/recover/lost", LostPassword),
    ("/recover/reset", NewPassword),
    ("/recover/2fa/lost", LostSecondFactor),
    ("/recover/2fa/reset", NewSecondFactorSecret),
)
