"""Bodies of ``/recover`` (contract, rest-api section 4.3)."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from vantage6.common.wire.rest.user import Password

__all__ = ["PasswordLost", "PasswordReset", "SecondFactorLost", "SecondFactorReset"]

_LONGEST = 128
_LONGEST_TOKEN = 1024


def _token() -> fields.String:
    return fields.String(required=True, validate=validate.Length(max=_LONGEST_TOKEN))


class PasswordLost(Schema):
    """Who forgot a password: the login name, the mail address, or both."""

    username = fields.String(validate=validate.Length(max=_LONGEST))
    email = fields.Email()

    @validates_schema
    def _names_somebody(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Either 'username' or 'email' is needed.")


class PasswordReset(Schema):
    """A token from a mail, and the password it shall set."""

    reset_token = _token()
    password = Password(required=True)


class SecondFactorLost(Schema):
    """Name and password of a user; released clients add an address, which is not used."""

    username = fields.String(required=True, validate=validate.Length(min=1, max=_LONGEST))
    password = fields.String(required=True, validate=validate.Length(min=1, max=_LONGEST))
    email = fields.Raw(allow_none=True)


class SecondFactorReset(Schema):
    """A token from a mail."""

    reset_token = _token()
