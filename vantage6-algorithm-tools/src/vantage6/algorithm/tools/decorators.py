"""Decorators that hand a function the client, the data or the metadata of its run.

The value of the innermost decorator comes first::

    @data(1)
    @algorithm_client
    def partial(client, df, column): ...

What a decorator needs (pandas, the HTTP library) is imported when a function is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vantage6.algorithm.tools.dispatch import INJECTED_ATTRIBUTE
from vantage6.algorithm.tools.environment import requested_labels, require_variable
from vantage6.algorithm.tools.util import error, fail, info, warn
from vantage6.common.wire.container import Variable

if TYPE_CHECKING:
    from vantage6.algorithm.client import AlgorithmClient
    from vantage6.algorithm.tools.metadata import (
        OHDSI_AVAILABLE,
        OHDSIMetaData,
        RunMetaData,
        get_ohdsi_metadata,
    )
    from vantage6.algorithm.tools.mock_client import MockAlgorithmClient
    from vantage6.algorithm.tools.preprocessing import preprocess_data
    from vantage6.algorithm.tools.wrappers import load_data

__all__ = [
    "OHDSI_AVAILABLE",
    "AlgorithmClient",
    "MockAlgorithmClient",
    "OHDSIMetaData",
    "RunMetaData",
    "algorithm_client",
    "data",
    "database_connection",
    "error",
    "get_ohdsi_metadata",
    "info",
    "load_data",
    "metadata",
    "preprocess_data",
    "warn",
]

Function = Callable[..., Any]

_ELSEWHERE = {
    "AlgorithmClient": "vantage6.algorithm.client",
    "MockAlgorithmClient": "vantage6.algorithm.tools.mock_client",
    "OHDSI_AVAILABLE": "vantage6.algorithm.tools.metadata",
    "OHDSIMetaData": "vantage6.algorithm.tools.metadata",
    "RunMetaData": "vantage6.algorithm.tools.metadata",
    "get_ohdsi_metadata": "vantage6.algorithm.tools.metadata",
    "load_data": "vantage6.algorithm.tools.wrappers",
    "preprocess_data": "vantage6.algorithm.tools.preprocessing",
}


def __getattr__(name: str) -> Any:
    """Give the names that are at home in other modules, importing those on first use."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


def algorithm_client(func: Function) -> Function:
    """Hand a function the client with which it makes subtasks and collects their results.

    Parameters
    ----------
    func : callable
        Takes an `AlgorithmClient` before its own arguments.

    Returns
    -------
    callable
        The function without that argument. Tests pass their client as ``mock_client``.
    """

    @functools.wraps(func)
    def with_client(
        *args: Any, mock_client: MockAlgorithmClient | None = None, **kwargs: Any
    ) -> Any:
        client = _client_of_run() if mock_client is None else mock_client
        return func(client, *args, **kwargs)

    with_client.wrapped_in_algorithm_client_decorator = True  # type: ignore[attr-defined]
    return _adding(1, with_client)


def data(
    number_of_databases: int = 1, *, in_user_order: bool = False
) -> Callable[[Function], Function]:
    """Hand a function the data of the databases that the task asks for.

    Parameters
    ----------
    number_of_databases : int
        How many DataFrames the function takes before its own arguments. The task has to name
        that many databases; further ones are ignored with a warning.
    in_user_order : bool
        With two or more databases, algorithms of version 4 receive the frames in reverse: the
        database that the researcher named last comes first. True gives them as named.

    Returns
    -------
    callable
        The decorator. Tests pass the frames, in the order in which the function takes them, as
        ``mock_data``.
    """

    def decorate(func: Function) -> Function:
        @functools.wraps(func)
        def with_data(*args: Any, mock_data: Sequence[Any] | None = None, **kwargs: Any) -> Any:
            if mock_data is None:
                frames = _frames_of_run(number_of_databases)
                mock_data = frames if in_user_order else frames[::-1]
            return func(*mock_data, *args, **kwargs)

        with_data.wrapped_in_data_decorator = True  # type: ignore[attr-defined]
        return _adding(number_of_databases, with_data)

    return decorate


def metadata(func: Function) -> Function:
    """Hand a function the identities and file names of its run.

    Parameters
    ----------
    func : callable
        Takes a `RunMetaData` before its own arguments.

    Returns
    -------
    callable
        The function without that argument. Tests pass an object as ``mock_metadata``.
    """

    @functools.wraps(func)
    def with_metadata(*args: Any, mock_metadata: RunMetaData | None = None, **kwargs: Any) -> Any:
        run = _metadata_of_run() if mock_metadata is None else mock_metadata
        return func(run, *args, **kwargs)

    with_metadata.wrapped_in_metadata_decorator = True  # type: ignore[attr-defined]
    return _adding(1, with_metadata)


def database_connection(
    types: list[str],
    include_metadata: bool = True,  # noqa: FBT001, FBT002 - the contract's
) -> Callable[[Function], Function]:
    """Hand a function connections to the databases that the task asks for.

    Parameters
    ----------
    types : list of str
        One entry per database, in the order in which the task names them. ``"OMOP"`` (in any
        case) opens a connection with ``ohdsi.database_connector``; nothing is handed over for
        other types.
    include_metadata : bool
        Whether an `OHDSIMetaData` follows each connection.

    Returns
    -------
    callable
        The decorator.
    """
    number_of_omop = sum(kind.upper() == "OMOP" for kind in types)

    def decorate(func: Function) -> Function:
        @functools.wraps(func)
        def with_connections(*args: Any, **kwargs: Any) -> Any:
            from vantage6.algorithm.tools.metadata import omop_values

            labels = _labels_of_run(len(types))
            values: list[Any] = []
            for kind, label in zip(types, labels, strict=True):
                if kind.upper() == "OMOP":
                    values.extend(omop_values(label, include_metadata=include_metadata))
            return func(*values, *args, **kwargs)

        return _adding(number_of_omop * (2 if include_metadata else 1), with_connections)

    return decorate


def _adding(number: int, wrapper: Function) -> Function:
    """Note how many arguments a decorator adds, for the check before the call."""
    setattr(wrapper, INJECTED_ATTRIBUTE, number)
    return wrapper


def _client_of_run() -> AlgorithmClient:
    from vantage6.algorithm.client import AlgorithmClient

    info("Reading token")
    return AlgorithmClient(
        token=_token_of_run(),
        host=require_variable(Variable.HOST),
        port=require_variable(Variable.PORT),
        path=require_variable(Variable.API_PATH),
    )


def _token_of_run() -> str:
    name = require_variable(Variable.TOKEN_FILE)
    with open(name, encoding="ascii") as file:  # noqa: PTH123 - pathlib costs start-up time
        return file.read().strip()


def _frames_of_run(number: int) -> list[Any]:
    from vantage6.algorithm.tools.wrappers import load_requested

    return [load_requested(label) for label in _labels_of_run(number)]


def _labels_of_run(number: int) -> list[str]:
    labels = requested_labels()
    if len(labels) < number:
        fail(
            f"The function needs {number} database(s) but the task names {len(labels)}; "
            "create the task with that many labels in its databases."
        )
    if len(labels) > number:
        unused = ", ".join(labels[number:])
        warn(f"The function uses {number} database(s); those named last are ignored: {unused}.")
    return labels[:number]


def _metadata_of_run() -> RunMetaData:
    from vantage6.algorithm.tools.metadata import read_run_metadata

    return read_run_metadata(_token_of_run())
