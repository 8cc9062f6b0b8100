"""Bodies of ``/column`` (contract, rest-api section 4.14)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vantage6.common.wire.rest.fields import Identifier
from vantage6.common.wire.rest.task import task_organizations

__all__ = ["ColumnInput"]


class ColumnInput(Schema):
    """Whose columns are asked for: those of a data source, by its label."""

    db_label = fields.String(required=True, validate=validate.Length(min=1))
    collaboration_id = Identifier(required=True)
    organizations = task_organizations()
    sheet_name = fields.String()
    query = fields.String()
