"""SPARQL endpoints."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from vantage6.algorithm.tools.exceptions import DataReadError

if TYPE_CHECKING:
    import httpx
    import pandas as pd

__all__ = ["load"]

_ANSWER_WITHIN = 300.0


def load(
    database_uri: str | Path, query: str, *, handler: httpx.BaseTransport | None = None
) -> pd.DataFrame:
    """Read the answer to a query, asked for as comma-separated values.

    Parameters
    ----------
    database_uri : str or Path
        Address of the endpoint.
    query : str
        The query, posted as a form (SPARQL 1.1 Protocol, section 2.1.2).
    handler : httpx.BaseTransport, optional
        Takes the place of the network.

    Raises
    ------
    DataReadError
        If the endpoint gives no usable answer.
    """
    import httpx
    import pandas as pd

    try:
        with httpx.Client(
            transport=handler, timeout=_ANSWER_WITHIN, follow_redirects=True
        ) as client:
            answer = client.post(
                str(database_uri), data={"query": query}, headers={"Accept": "text/csv"}
            )
            answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise DataReadError(
            f"The SPARQL endpoint refused the query with status {error.response.status_code}; "
            "check the query."
        ) from error
    except httpx.HTTPError as error:
        raise DataReadError(
            f"The SPARQL endpoint cannot be reached ({type(error).__name__}); ask the node's "
            "administrator whether its address is right and on the whitelist."
        ) from error
    return pd.read_csv(io.BytesIO(answer.content))
