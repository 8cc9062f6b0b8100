"""The server's refusals as the contract hands them out: as a dictionary, not as an exception."""

from __future__ import annotations

from typing import Any

from vantage6.client.exceptions import RefusedError
from vantage6.common.errors import ResponseError

__all__ = ["Refusal", "accepted"]


class Refusal(dict[str, Any]):
    """The body of an answer with an error status (contract, client-api section 4).

    To a notebook it is the server's dictionary with its ``msg``; the client itself recognises it
    by its type.

    Parameters
    ----------
    error : ResponseError
        What the transport raised.
    """

    def __init__(self, error: ResponseError) -> None:
        super().__init__(error.body)
        self.setdefault("msg", str(error))
        self.error = error


def accepted(answer: Any) -> Any:
    """Return an answer that is needed to go on, or raise what the server said instead.

    Raises
    ------
    RefusedError
        If the server refused.
    """
    if isinstance(answer, Refusal):
        raise RefusedError(answer.error)
    return answer
