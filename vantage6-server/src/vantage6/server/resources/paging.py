"""Pages of lists: which part, in which order, and the links around it (contract, rest-api 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement, Select, func, inspect, select
from sqlalchemy.orm import Session

from vantage6.server.models import Base, Node, Organization, User
from vantage6.server.resources.request import HIGHEST_ID
from vantage6.server.services.errors import BadRequest

__all__ = ["Answer", "page_of"]

_M = TypeVar("_M", bound=Base)

Answer = tuple[dict[str, Any], int, dict[str, str]]
"""Body, status and headers, as Flask-RESTful takes them."""

_DEFAULT_SIZE = 10

# Sorting by a secret would reveal it bit by bit.
_NOT_SORTABLE: dict[type[Base], frozenset[str]] = {
    User: frozenset({"password", "otp_secret", "failed_login_attempts", "last_login_attempt"}),
    Node: frozenset({"api_key", "api_key_digest"}),
    Organization: frozenset({"public_key_bytes"}),
}


@dataclass(frozen=True)
class _Page:
    number: int
    size: int | None
    total: int

    @property
    def last(self) -> int:
        if self.total == 0:
            return 0
        return 1 if self.size is None else -(-self.total // self.size)


def page_of(
    session: Session,
    statement: Select[_M],
    model: type[_M],
    dump: Callable[[Sequence[_M]], list[Any]],
    *,
    newest_first: bool = False,
    may_be_whole: bool = False,
) -> Answer:
    """Answer a list request with the page it asks for.

    Parameters
    ----------
    statement : Select
        Selects the model with all conditions; rows must be distinct.
    dump : callable
        Turns the models of one page into what is sent.
    newest_first : bool
        Order by id, descending, whatever ``sort`` says (tasks, runs, results).
    may_be_whole : bool
        Whether ``no_pagination=1`` gives everything at once (rules).

    Raises
    ------
    BadRequest
        If ``page``, ``per_page`` or ``sort`` cannot be used.
    """
    order = _order(model)
    if newest_first:
        order = [_column(model, "id").desc()]
    whole = may_be_whole and request.args.get("no_pagination") == "1"
    number = _positive("page", 1)
    size = None if whole else _positive("per_page", _DEFAULT_SIZE)
    total = session.scalar(select(func.count()).select_from(_ids(statement, model)))
    page = _Page(number, size, total or 0)
    statement = statement.order_by(*order)
    if size is not None:
        statement = statement.limit(size).offset((number - 1) * size)
    items = session.scalars(statement).all()
    links = _links(page)
    return {"data": dump(items), "links": links}, 200, _headers(page, links)


def _ids(statement: Select[Any], model: type[Base]) -> Any:
    return statement.with_only_columns(_column(model, "id")).order_by(None).subquery()


def _column(model: type[Base], name: str) -> Any:
    return getattr(model, name)


def _positive(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= HIGHEST_ID:
        raise BadRequest(f"The parameter '{name}' must be a whole number from 1 on.", field=name)
    return int(text)


def _order(model: type[Base]) -> list[ColumnElement[Any]]:
    """Read ``sort``; the id comes last, so that pages do not overlap."""
    order = [
        _sort_column(model, word.strip())
        for word in request.args.get("sort", "").split(",")
        if word.strip()
    ]
    return [*order, _column(model, "id").asc()]


def _sort_column(model: type[Base], word: str) -> ColumnElement[Any]:
    name = word.lstrip("+-").strip()
    hidden = _NOT_SORTABLE.get(model, frozenset())
    if name in hidden or name not in inspect(model).column_attrs:
        raise BadRequest(
            f"The parameter 'sort' names '{name}', which is no column of this list.", field="sort"
        )
    column = _column(model, name)
    ordered: ColumnElement[Any] = column.desc() if word.startswith("-") else column.asc()
    return ordered


def _links(page: _Page) -> dict[str, str]:
    links = {"first": _link(1)}
    if page.number > 1:
        links["previous"] = _link(page.number - 1)
    links["self"] = _link(page.number)
    if page.number < page.last:
        links["next"] = _link(page.number + 1)
    if page.last:
        links["last"] = _link(page.last)
    return links


def _link(number: int) -> str:
    """Repeat the request with another page: parameters in their order, the first of equal ones."""
    parameters = {name: values[0] for name, values in request.args.lists()}
    parameters["page"] = str(number)
    return f"{request.path}?{urlencode(parameters)}"


def _headers(page: _Page, links: dict[str, str]) -> dict[str, str]:
    return {
        "total-count": str(page.total),
        "Link": ",".join(f"<{link}>; rel={name}" for name, link in links.items()),
        "access-control-expose-headers": "total-count, Link",
    }
