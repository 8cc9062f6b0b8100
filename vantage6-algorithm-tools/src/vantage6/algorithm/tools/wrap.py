"""Entry point of an algorithm's container.

The image runs ``python -c "from vantage6.algorithm.tools.wrap import wrap_algorithm;
wrap_algorithm()"``. This module imports the standard library only, so that a run starts at once.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from vantage6.algorithm.tools.dispatch import (
    Call,
    check_arguments,
    find_function,
    import_package,
    parse_call,
)
from vantage6.algorithm.tools.environment import decode_environment, require_variable
from vantage6.algorithm.tools.exceptions import AlgorithmError, DeserializationError
from vantage6.algorithm.tools.output import write_output
from vantage6.algorithm.tools.serialization import to_json_bytes
from vantage6.algorithm.tools.util import error, fail, info
from vantage6.common.wire.container import PACKAGE_NAME_VARIABLE, Variable

__all__ = ["load_input", "wrap_algorithm"]


def wrap_algorithm(log_traceback: bool = True) -> None:  # noqa: FBT001, FBT002 - the contract's
    """Carry out the run for which this container was started.

    Reads the input, calls the function it names in the package that ``PKG_NAME`` names, and
    writes the result. Ends the process with exit code 1 and one ``error >`` line if that fails;
    an exit code that the algorithm chooses itself with ``sys.exit`` is kept.

    Parameters
    ----------
    log_traceback : bool
        Whether to write tracebacks to the standard error. If not, the text of errors that the
        algorithm did not raise on purpose is left out as well, since it may contain data.
        Images made for the first releases pass the package's name here, which is harmless.
    """
    package = os.environ.get(PACKAGE_NAME_VARIABLE)
    if not package:
        fail(
            f"The environment variable {PACKAGE_NAME_VARIABLE} is missing; "
            "set it to the name of the algorithm's package in the image."
        )
    info(f"wrapper for {package}")
    try:
        _run(package, show_details=bool(log_traceback))
    except _ReportedError:
        sys.exit(1)


def load_input(input_file: str) -> Any:
    """Read the input document of a run.

    Raises
    ------
    DeserializationError
        If the file is missing or is not JSON.
    """
    try:
        with open(input_file, "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
            return json.loads(file.read())
    except OSError as problem:
        raise DeserializationError(
            f"The input file {input_file} cannot be read: {problem.strerror}."
        ) from problem
    except ValueError as problem:
        raise DeserializationError(
            "The input of the task is not JSON, or could not be decrypted by the node; "
            'send {"method": <name>, "args": [], "kwargs": {}} encrypted for this organization.'
        ) from problem


class _ReportedError(Exception):
    """The run failed and the log says why."""


def _run(package: str, *, show_details: bool) -> None:
    """Go through the steps of a run; each failure is reported where it is understood."""
    try:
        decode_environment()
        call = parse_call(load_input(require_variable(Variable.INPUT_FILE)))
        output_file = require_variable(Variable.OUTPUT_FILE)
        function = find_function(_import(package, show_details=show_details), call.method)
        check_arguments(function, call)
    except AlgorithmError as problem:
        error(_one_line(str(problem)))
        raise _ReportedError from problem
    result = _called(function, call, show_details=show_details)
    try:
        write_output(output_file, to_json_bytes(result))
    except (TypeError, OSError) as problem:
        error(f"The result of {call.method} cannot be returned: {_one_line(str(problem))}")
        raise _ReportedError from problem


def _import(package: str, *, show_details: bool) -> Any:
    try:
        return import_package(package)
    except AlgorithmError:
        raise
    except Exception as problem:  # whatever the algorithm's modules raise
        _report(f"Importing the package {package} failed", problem, show_details=show_details)
        raise _ReportedError from problem


def _called(function: Any, call: Call, *, show_details: bool) -> Any:
    try:
        return function(*call.args, **call.kwargs)
    except Exception as problem:  # whatever the algorithm raises
        heading = f"Error encountered while calling {call.method}"
        _report(heading, problem, show_details=show_details)
        raise _ReportedError from problem


def _report(heading: str, problem: Exception, *, show_details: bool) -> None:
    """Write one line to the log, and the traceback to the standard error if it may be shown."""
    error(f"{heading}: {_text(problem, show_details=show_details)}")
    if show_details:
        import traceback

        traceback.print_exception(type(problem), problem, problem.__traceback__)


def _text(problem: Exception, *, show_details: bool) -> str:
    kind = type(problem).__name__
    if not show_details and not isinstance(problem, AlgorithmError):
        return kind
    text = _one_line(str(problem))
    # The text of a KeyError is the bare key, which says nothing on its own.
    is_telling = text and (isinstance(problem, AlgorithmError) or not isinstance(problem, KeyError))
    return text if is_telling else f"{kind}: {text}".rstrip(": ")


def _one_line(text: str) -> str:
    return " ".join(text.split())
