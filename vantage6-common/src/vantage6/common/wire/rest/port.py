"""Bodies of ``/port`` (contract, rest-api section 4.13)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vantage6.common.wire.rest.fields import Identifier

__all__ = ["PortInput"]

_HIGHEST_PORT = 65535
_LABEL_LENGTH = 128


class PortInput(Schema):
    """A port on which the algorithm of a run can be reached over the VPN."""

    run_id = Identifier(required=True)
    port = fields.Integer(required=True, validate=validate.Range(min=1, max=_HIGHEST_PORT))
    label = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=_LABEL_LENGTH)
    )
