"""The environment variables and the context file a run gets (contract, node section 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vantage6.common.status import RunStatus
from vantage6.common.wire.container import (
    PACKAGE_NAME_VARIABLE,
    Variable,
    database_variable,
    encode_value,
)
from vantage6.node.runner.base import Bind, RunContext, RunSpec, StartError
from vantage6.node.runner.files import INPUT_NAME, OUTPUT_NAME, TOKEN_NAME

__all__ = ["CONTEXT_FILE_NAME", "RunView", "run_environment", "write_context"]

CONTEXT_FILE_NAME = "run_context.json"
_SCHEMA_VERSION = "0.1"
_EXECUTOR_KIND = "vantage6-node"
_RESULT_ID = "result"


@dataclass(frozen=True)
class RunView:
    """Where a run finds things, in the way it sees the world.

    Attributes
    ----------
    folder, scratch : str
        Its own folder, and the one it shares with runs of the same job.
    proxy_host : str
        Name or address of the node's proxy.
    proxy_port : int
        Its port.
    locations : Mapping[str, str]
        Label of each database it may use to path or URI.
    """

    folder: str
    scratch: str
    proxy_host: str
    proxy_port: int
    locations: Mapping[str, str]

    @property
    def proxy_url(self) -> str:
        """Value of ``HOST``: the proxy without its port."""
        return f"http://{self.proxy_host}"

    def file(self, name: str) -> str:
        """Return the path of one of the run's own files."""
        return f"{self.folder}/{name}"


def run_environment(spec: RunSpec, view: RunView) -> dict[str, str]:
    """Return the variables of a run, with encoded values.

    Those of the spec take precedence, because the settings of the node may override any of them.

    Raises
    ------
    StartError
        If a name cannot be the name of a variable, or is reserved for the image.
    """
    plain = {**_own_variables(spec, view), **spec.environment}
    for name in plain:
        _check_name(name)
    encoded = {name: encode_value(value) for name, value in plain.items()}
    if spec.context is not None:
        # Programs outside Python read it, so it is the one value that stays plain.
        encoded[Variable.RUN_CONTEXT_FILE] = view.file(CONTEXT_FILE_NAME)
    return encoded


def _own_variables(spec: RunSpec, view: RunView) -> dict[str, str]:
    no_proxy = f"localhost, {view.proxy_host}"
    variables = {
        Variable.INPUT_FILE: view.file(INPUT_NAME),
        Variable.OUTPUT_FILE: view.file(OUTPUT_NAME),
        Variable.TOKEN_FILE: view.file(TOKEN_NAME),
        Variable.TEMPORARY_FOLDER: view.scratch,
        Variable.HOST: view.proxy_url,
        Variable.PORT: str(view.proxy_port),
        Variable.API_PATH: "",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
    for label, location in view.locations.items():
        variables[database_variable(label, "DATABASE_URI")] = location
        if label in spec.database_types:
            variables[database_variable(label, "DATABASE_TYPE")] = spec.database_types[label]
    return variables


def _check_name(name: str) -> None:
    if name.isidentifier() and name != PACKAGE_NAME_VARIABLE:
        return
    raise StartError(
        f"The variable {name!r} cannot be given to an algorithm; correct the setting "
        "algorithm_env of the node, whose names must be identifiers other than "
        f"{PACKAGE_NAME_VARIABLE}.",
        RunStatus.FAILED,
    )


def write_context(spec: RunSpec, view: RunView) -> None:
    """Write the run's context file, if it is to have one.

    Raises
    ------
    StartError
        If the task asks for a database that is not a file; the format has no place for it.
    """
    if spec.context is None:
        return
    document = _context_document(spec, spec.context, view)
    text = json.dumps(document, indent=2) + "\n"
    (spec.folder / CONTEXT_FILE_NAME).write_text(text, encoding="utf-8")


def _context_document(spec: RunSpec, context: RunContext, view: RunView) -> dict[str, Any]:
    return {
        "schema_version": _SCHEMA_VERSION,
        "entrypoint": {"name": context.method},
        "arguments": {"positional": context.args, "named": context.kwargs},
        "executor": {"id": context.node_id, "kind": _EXECUTOR_KIND},
        "inputs": [_context_input(spec, context, view, label) for label in view.locations],
        "outputs": [{"id": _RESULT_ID, "uri": view.file(OUTPUT_NAME)}],
        "x-vantage6": {
            "run_id": spec.run_id,
            "task_id": spec.task_id,
            "collaboration_id": context.collaboration_id,
            "token_file": view.file(TOKEN_NAME),
            "api_proxy": {
                "host": view.proxy_url,
                "port": str(view.proxy_port),
                "api_path": "",
            },
            "temporary_directory": view.scratch,
        },
    }


def _context_input(spec: RunSpec, context: RunContext, view: RunView, label: str) -> dict[str, Any]:
    database = spec.databases[label]
    if not isinstance(database, Bind) or not database.source.is_file():
        raise StartError(
            f"Database {label!r} is not a file, and this node gives its data to algorithms in a "
            "run context file, which has files only; ask for another database, or switch "
            "run_context_file off."
        )
    entry: dict[str, Any] = {
        "id": label,
        "uri": view.locations[label],
        "type": spec.database_types.get(label, ""),
    }
    if label in context.database_arguments:
        entry["arguments"] = dict(context.database_arguments[label])
    return entry
