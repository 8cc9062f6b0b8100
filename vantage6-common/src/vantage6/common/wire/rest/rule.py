"""Filter values of ``/rule`` (contract, rest-api section 4.12); rules have no bodies."""

from __future__ import annotations

from vantage6.common.enums import Operation, Scope

__all__ = ["read_operation", "read_scope"]

_OPERATIONS = {
    "v": Operation.VIEW,
    "e": Operation.EDIT,
    "c": Operation.CREATE,
    "d": Operation.DELETE,
    "s": Operation.SEND,
    "r": Operation.RECEIVE,
}
_SCOPES = {
    "own": Scope.OWN,
    "org": Scope.ORGANIZATION,
    "col": Scope.COLLABORATION,
    "glo": Scope.GLOBAL,
}


def read_operation(text: str) -> Operation | None:
    """Return the operation a filter names by its letter or its upper-case name, or None."""
    return _OPERATIONS.get(text) or next((item for item in Operation if item.value == text), None)


def read_scope(text: str) -> Scope | None:
    """Return the scope a filter names by its short or its upper-case name, or None."""
    return _SCOPES.get(text) or next((item for item in Scope if item.value == text), None)
