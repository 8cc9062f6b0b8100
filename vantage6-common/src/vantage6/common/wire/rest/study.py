"""Bodies of ``/study`` (contract, rest-api section 4.6)."""

from __future__ import annotations

from marshmallow import Schema

from vantage6.common.wire.rest.base import members
from vantage6.common.wire.rest.fields import Identifier, Name

__all__ = ["StudyChange", "StudyInput"]


class StudyInput(Schema):
    """A study as it is created."""

    name = Name(required=True)
    collaboration_id = Identifier(required=True)
    organization_ids = members(required=True)


class StudyChange(Schema):
    """What may change about a study; null means no change, the collaboration stays."""

    name = Name(allow_none=True)
    collaboration_id = Identifier(allow_none=True)
    organization_ids = members(allow_none=True)
