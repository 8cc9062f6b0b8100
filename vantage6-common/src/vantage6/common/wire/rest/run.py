"""Bodies of ``/run`` (contract, rest-api section 4.9)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vantage6.common.status import RunStatus
from vantage6.common.wire.rest.fields import Moment

__all__ = ["STATE_OPEN", "RunReport"]

STATE_OPEN = "open"
"""Value of the filter ``state``: runs that are not finished."""


class RunReport(Schema):
    """What a node reports about one of its runs; keys left out change nothing."""

    status = fields.String(validate=validate.OneOf([status.value for status in RunStatus]))
    started_at = Moment()
    finished_at = Moment()
    result = fields.String()
    log = fields.String()
