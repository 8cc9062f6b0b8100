"""Bodies of ``/collaboration`` (contract, rest-api section 4.5)."""

from __future__ import annotations

from marshmallow import Schema

from vantage6.common.wire.rest.base import LiteralBoolean, members
from vantage6.common.wire.rest.fields import Name

__all__ = ["CollaborationInput"]


class CollaborationInput(Schema):
    """A collaboration as it is created or changed."""

    name = Name(required=True)
    organization_ids = members(required=True)
    encrypted = LiteralBoolean(required=True)
