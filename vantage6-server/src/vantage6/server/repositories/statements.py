"""Changing many rows at once, past the objects a session holds."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Delete, Update

__all__ = ["affect"]


def affect(session: Session, statement: Update | Delete) -> int:
    """Carry out an update or deletion and return the number of rows it affected.

    Objects that the session loaded before keep their old values.
    """
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return int(cast("CursorResult[object]", result).rowcount)
