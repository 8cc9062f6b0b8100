"""Finding single records, names in use, and memberships."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from vantage6.server.models import Base, Member, StudyMember
from vantage6.server.services.errors import BadRequest, NotFound

__all__ = [
    "HIGHEST_ID",
    "any_of",
    "by_ids",
    "find",
    "is_member",
    "is_taken",
    "member_ids",
    "named_in_query",
    "study_member_ids",
]

HIGHEST_ID = 2**31 - 1
"""The highest id a database stores."""

# Databases limit the values in one statement.
_PIECE = 5000

_M = TypeVar("_M", bound=Base)


def find(
    session: Session,
    model: type[_M],
    identity: int,
    *options: ORMOption,
    noun: str | None = None,
) -> _M:
    """Return the record with this id.

    Parameters
    ----------
    options : loader options
        What to load along with it.
    noun : str, optional
        What to call it in the message; the table's name by default.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = None
    if 0 < identity <= HIGHEST_ID:
        found = session.get(model, identity, options=options)
    if found is None:
        raise NotFound(
            f"There is no {noun or model.__tablename__} with id {identity}; check the id."
        )
    return found


def named_in_query(session: Session, model: type[_M], identity: int, parameter: str) -> _M:
    """Return the record a query parameter names.

    Raises
    ------
    BadRequest
        If there is none (contract, rest-api section 4: unknown ids in most filters are 400).
    """
    try:
        return find(session, model, identity)
    except NotFound as error:
        raise BadRequest(
            f"The parameter '{parameter}' names a {model.__tablename__} with id {identity}, "
            "which does not exist; check the id.",
            field=parameter,
        ) from error


def by_ids(
    session: Session, model: type[_M], identities: Iterable[int], *options: ORMOption
) -> Sequence[_M]:
    """Return the records with these ids, in id order; unknown ids are passed over."""
    column: Any = model.id  # type: ignore[attr-defined] # every model has it
    wanted = sorted(identity for identity in set(identities) if 0 < identity <= HIGHEST_ID)
    found: list[_M] = []
    for start in range(0, len(wanted), _PIECE):
        piece = wanted[start : start + _PIECE]
        found += session.scalars(
            select(model).where(column.in_(piece)).order_by(column).options(*options)
        )
    return found


def is_taken(session: Session, column: Any, value: str, *, but: int | None = None) -> bool:
    """Tell whether another record than `but` has this value in a unique column."""
    condition = column == value
    if but is not None:
        condition &= column.class_.id != but
    return any_of(session, condition)


def any_of(session: Session, condition: ColumnElement[bool]) -> bool:
    """Tell whether any row meets a condition."""
    return bool(session.scalar(select(exists().where(condition))))


def member_ids(session: Session, collaboration_id: int) -> frozenset[int]:
    """Return the ids of the organizations in a collaboration."""
    return frozenset(
        session.scalars(
            select(Member.c.organization_id).where(Member.c.collaboration_id == collaboration_id)
        )
    )


def is_member(session: Session, collaboration_id: int, organization_id: int) -> bool:
    """Tell whether an organization is in a collaboration."""
    return any_of(
        session,
        (Member.c.collaboration_id == collaboration_id)
        & (Member.c.organization_id == organization_id),
    )


def study_member_ids(session: Session, study_id: int) -> frozenset[int]:
    """Return the ids of the organizations in a study."""
    return frozenset(
        session.scalars(
            select(StudyMember.c.organization_id).where(StudyMember.c.study_id == study_id)
        )
    )
