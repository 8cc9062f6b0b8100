"""Bodies of ``/node`` (contract, rest-api section 4.7)."""

from __future__ import annotations

from marshmallow import Schema, fields

from vantage6.common.wire.rest.fields import Identifier, Name

__all__ = ["NodeChange", "NodeInput"]


class NodeInput(Schema):
    """A node as it is registered; without an organization it belongs to the caller's."""

    collaboration_id = Identifier(required=True)
    organization_id = Identifier(allow_none=True)
    name = Name(allow_none=True)
    ip = fields.IP()
    clear_ip = fields.Boolean(allow_none=True)


class NodeChange(Schema):
    """What may change about a node; null means no change.

    The two ids are read only to refuse them with a sentence.
    """

    name = Name(allow_none=True)
    ip = fields.IP()
    clear_ip = fields.Boolean(allow_none=True)
    collaboration_id = fields.Raw(allow_none=True)
    organization_id = fields.Raw(allow_none=True)
