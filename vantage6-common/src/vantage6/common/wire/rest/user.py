"""Bodies of ``/user`` and rules for names and passwords (contract, rest-api 1.5 and 4.11)."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from vantage6.common.wire.rest.base import ShortText, identifiers
from vantage6.common.wire.rest.fields import Identifier

__all__ = ["Password", "UserChange", "UserInput", "Username", "password_problem"]

_SHORTEST_NAME = 3
_SHORTEST_PASSWORD = 8
_LONGEST = 128

# In the order of the contract: the first violation is reported.
_NEEDED = (
    (re.compile(r"[0-9]"), "A password needs at least one digit."),
    (re.compile(r"[A-Z]"), "A password needs at least one upper-case letter."),
    (re.compile(r"[a-z]"), "A password needs at least one lower-case letter."),
    (re.compile(r"[\W_]"), "A password needs at least one character that is no letter or digit."),
)


def password_problem(password: str) -> str | None:
    """Return what is wrong with a new password, or None."""
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST:
        return f"A password has {_SHORTEST_PASSWORD} to {_LONGEST} characters."
    return next((text for pattern, text in _NEEDED if not pattern.search(password)), None)


def _keeps_policy(password: str) -> None:
    problem = password_problem(password)
    if problem:
        raise ValidationError(problem)


class Password(fields.String):
    """A new password."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=_keeps_policy, **options)


class Username(fields.String):
    """A login name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            validate=[
                validate.Length(min=_SHORTEST_NAME, max=_LONGEST),
                validate.Regexp(
                    r"[a-zA-Z][a-zA-Z0-9._-]+\Z",
                    error="A username starts with a letter; letters, digits, '.', '_', '-' follow.",
                ),
            ],
            **options,
        )


class UserInput(Schema):
    """A user as it is created; without an organization it belongs to the caller's.

    The released client sends null for an organization that was not given.
    """

    username = Username(required=True)
    email = fields.Email(required=True)
    password = Password(required=True)
    firstname = ShortText()
    lastname = ShortText()
    organization_id = Identifier(allow_none=True)
    roles = identifiers()
    rules = identifiers()


class UserChange(Schema):
    """What may change about a user.

    The organization is ignored, and the password read only to refuse it with a sentence.
    """

    username = Username()
    email = fields.Email()
    password = fields.Raw(allow_none=True)
    firstname = ShortText()
    lastname = ShortText()
    organization_id = Identifier(allow_none=True)
    roles = identifiers()
    rules = identifiers()
