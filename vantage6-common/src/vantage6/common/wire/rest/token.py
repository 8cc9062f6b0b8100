"""Bodies of ``/token`` and ``/password`` (contract, rest-api sections 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from vantage6.common.wire.rest.fields import Identifier
from vantage6.common.wire.rest.user import Password

__all__ = ["ContainerTokenInput", "NodeLogin", "PasswordChange", "UserLogin"]

_LONGEST = 128
_LONGEST_CODE = 10
_CODE_DIGITS = 6


class _Code(fields.String):
    """A one-time code; the released client may send it as a number, without leading zeros."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value).zfill(_CODE_DIGITS)
        return super()._deserialize(value, attr, data, **kwargs)


class UserLogin(Schema):
    """Name and password of a user, and a code where a second factor is asked for."""

    username = fields.String(required=True, validate=validate.Length(min=1, max=_LONGEST))
    password = fields.String(required=True, validate=validate.Length(min=1, max=_LONGEST))
    mfa_code = _Code(allow_none=True, validate=validate.Length(max=_LONGEST_CODE))


class NodeLogin(Schema):
    """The API key of a node."""

    api_key = fields.UUID(required=True)


class ContainerTokenInput(Schema):
    """For which task, and which image, a node asks a token."""

    task_id = Identifier(required=True)
    image = fields.String(required=True, validate=validate.Length(min=1))


class PasswordChange(Schema):
    """The present password and the new one."""

    current_password = fields.String(required=True, validate=validate.Length(max=_LONGEST))
    new_password = Password(required=True)
