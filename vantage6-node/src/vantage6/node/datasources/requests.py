"""What a task asks for, read from the ``databases`` of a task on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vantage6.common.wire.container import database_variable

__all__ = ["RequestedDatabase", "requested_databases"]


@dataclass(frozen=True)
class RequestedDatabase:
    """One data source of a task, with what the user wants from it.

    Attributes
    ----------
    label : str
        Label, as the user wrote it.
    query, sheet_name : str or None
        What to read of it.
    preprocessing : list or None
        Steps to apply after loading, as the user gave them.
    arguments : dict
        Free arguments; they appear in ``run_context.json`` only.
    """

    label: str
    query: str | None = None
    sheet_name: str | None = None
    preprocessing: list[Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """Return the environment variables that tell the algorithm what to read."""
        values: dict[str, str] = {}
        if self.query:
            values[database_variable(self.label, "QUERY")] = str(self.query)
        if self.sheet_name:
            values[database_variable(self.label, "SHEET_NAME")] = str(self.sheet_name)
        if self.preprocessing:
            values[database_variable(self.label, "PREPROCESSING")] = json.dumps(self.preprocessing)
        return values


def requested_databases(databases: Any) -> tuple[RequestedDatabase, ...]:
    """Read the ``databases`` field of a task.

    Parameters
    ----------
    databases : Any
        ``[{"label": str, "parameters": "<JSON text>"}]``; parameters may also be an object.

    Raises
    ------
    ValueError
        If an entry has no label, or its parameters are not an object.
    """
    return tuple(_requested(entry) for entry in databases or [])


def _requested(entry: Any) -> RequestedDatabase:
    label = entry.get("label") if isinstance(entry, dict) else None
    if not label:
        raise ValueError("A database of the task has no label; create the task again with labels.")
    parameters = _parameters(str(label), entry.get("parameters"))
    arguments = parameters.get("arguments")
    return RequestedDatabase(
        label=str(label),
        query=parameters.get("query"),
        sheet_name=parameters.get("sheet_name"),
        preprocessing=parameters.get("preprocessing"),
        arguments=arguments if isinstance(arguments, dict) else {},
    )


def _parameters(label: str, given: Any) -> dict[str, Any]:
    if not given:
        return {}
    try:
        parameters = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise ValueError(  # noqa: TRY004 - the text of the task is wrong, not the caller
            f"The parameters of database {label!r} in the task are not a JSON object; "
            "create the task again."
        )
    return parameters
