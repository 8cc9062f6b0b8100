"""Bodies of ``/kill`` (contract, rest-api section 4.10)."""

from __future__ import annotations

from marshmallow import Schema

from vantage6.common.wire.rest.fields import Identifier

__all__ = ["KillInput"]


class KillInput(Schema):
    """Which task, or which node's tasks, to stop."""

    id = Identifier(required=True)
