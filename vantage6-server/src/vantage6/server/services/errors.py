"""What can go wrong in a use case, in terms of the domain.

::

    DomainError
    ├── NotFound          something named in the request does not exist
    ├── Unauthenticated   who is asking is not known
    ├── Forbidden         the caller's rules do not allow this
    ├── WrongCaller       this kind of caller (user, node, container) has no business here
    ├── BadRequest        the request makes no sense in the present state
    │   ├── Conflict      a name is taken, something is there already
    │   └── Invalid       fields of the body or the query are wrong: has `errors`
    ├── Refused           allowed in general, but not for this object
    ├── NotConfigured     the feature is switched off on this server
    ├── Unavailable       something the server depends on does not answer
    └── Misconfigured     the feature is on, but its settings do not work

``resources/errors.py`` is the one place that turns them into statuses. The text is one sentence
for the caller: it names the thing, what was expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from vantage6.common.errors import V6Error

__all__ = [
    "BadRequest",
    "Conflict",
    "DomainError",
    "Forbidden",
    "Invalid",
    "Misconfigured",
    "NotConfigured",
    "NotFound",
    "Refused",
    "Unauthenticated",
    "Unavailable",
    "WrongCaller",
]


class DomainError(V6Error):
    """Base of all errors a service raises on purpose.

    Parameters
    ----------
    message : str
        One sentence for the caller.
    code : str, optional
        Stable word for programs; each class has a default.
    field : str, optional
        Name of the body field or query parameter at fault.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = code or type(self).code
        self.field = field


class NotFound(DomainError):  # noqa: N818 - reads as the fact it states
    """Something named in the request does not exist."""

    code = "not_found"


class Unauthenticated(DomainError):  # noqa: N818 - reads as the fact it states
    """Who is asking is not known."""

    code = "unauthenticated"


class Forbidden(DomainError):  # noqa: N818 - reads as the fact it states
    """The caller's rules do not allow this."""

    code = "forbidden"


class WrongCaller(DomainError):  # noqa: N818 - reads as the fact it states
    """An endpoint was called by a kind of caller that has no business there."""

    code = "wrong_caller"


class BadRequest(DomainError):  # noqa: N818 - reads as the fact it states
    """The request makes no sense in the present state."""

    code = "bad_request"


class Conflict(BadRequest):
    """A name is taken, or something is there already."""

    code = "conflict"


class Invalid(BadRequest):
    """Fields of the body or the query are wrong.

    Parameters
    ----------
    errors : mapping
        Field name to list of messages; list items nest by index (contract, rest-api 1.3).
    """

    code = "invalid"

    def __init__(
        self,
        message: str,
        errors: Mapping[str, Any],
        *,
        code: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message, code=code, field=field)
        self.errors = dict(errors)


class Refused(DomainError):  # noqa: N818 - reads as the fact it states
    """Allowed in general, but not for this object."""

    code = "refused"


class NotConfigured(DomainError):  # noqa: N818 - reads as the fact it states
    """The feature is switched off on this server."""

    code = "not_configured"


class Unavailable(DomainError):  # noqa: N818 - reads as the fact it states
    """Something the server depends on does not answer."""

    code = "unavailable"


class Misconfigured(DomainError):  # noqa: N818 - reads as the fact it states
    """The feature is switched on, but its settings do not work."""

    code = "misconfigured"
