"""Bodies of ``/role`` (contract, rest-api section 4.12)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vantage6.common.wire.rest.base import identifiers
from vantage6.common.wire.rest.fields import Identifier

__all__ = ["RoleChange", "RoleInput"]

_DESCRIPTION_LENGTH = 1024


class RoleInput(Schema):
    """A role as it is created; the name may be anything but a default role's."""

    name = fields.String(required=True)
    description = fields.String(allow_none=True, validate=validate.Length(max=_DESCRIPTION_LENGTH))
    rules = identifiers(required=True)
    organization_id = Identifier(allow_none=True)


class RoleChange(Schema):
    """What may change about a role; null means no change, as the released client sends it.

    The organization is read only to refuse it with a sentence.
    """

    name = fields.String(allow_none=True)
    description = fields.String(allow_none=True, validate=validate.Length(max=_DESCRIPTION_LENGTH))
    rules = identifiers(allow_none=True)
    organization_id = fields.Raw(allow_none=True)
