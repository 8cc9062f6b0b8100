"""Messages to the run's log, and settings from the environment."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from vantage6.algorithm.tools.environment import read_variable
from vantage6.algorithm.tools.exceptions import EnvironmentVariableError

__all__ = [
    "check_envvar_value_positive",
    "error",
    "fail",
    "get_env_var",
    "info",
    "warn",
]

_TRUE = ("true", "1", "yes", "t")
_FALSE = ("false", "0", "no", "f")


def info(msg: str) -> None:
    """Write an information line to the run's log."""
    _say("info", msg)


def warn(msg: str) -> None:
    """Write a warning line to the run's log."""
    _say("warn", msg)


def error(msg: str) -> None:
    """Write an error line to the run's log."""
    _say("error", msg)


def fail(msg: str) -> NoReturn:
    """Write an error line and end the run as failed (exit code 1)."""
    error(msg)
    sys.exit(1)


def get_env_var(var_name: str, default: Any = None, as_type: str = "str") -> Any:
    """Return the value of an environment variable, whether the node encoded it or not.

    Parameters
    ----------
    var_name : str
        Name of the variable.
    default : Any
        Returned, after conversion, if there is no such variable.
    as_type : str
        ``"str"``, ``"int"`` or ``"bool"``. The texts ``true``, ``1``, ``yes``, ``t`` and
        ``false``, ``0``, ``no``, ``f`` are booleans.

    Returns
    -------
    str, int or bool
        The value; None for any other `as_type`.

    Raises
    ------
    EnvironmentVariableError
        If the value is not of the type asked for.
    """
    value = read_variable(var_name)
    if value is None:
        value = default
    if as_type == "bool":
        return _to_bool(var_name, value)
    if as_type == "int":
        return _to_int(var_name, value)
    return value if as_type == "str" else None


def check_envvar_value_positive(name: str, value: float) -> None:
    """Raise `EnvironmentVariableError` if the value of a variable is below zero."""
    if value < 0:
        raise EnvironmentVariableError(
            f"The environment variable {name} is {value}; it must be 0 or more."
        )


def _to_bool(name: str, value: Any) -> bool:
    if value in _TRUE and isinstance(value, str):
        return True
    if value in _FALSE and isinstance(value, str):
        return False
    raise EnvironmentVariableError(
        f"The environment variable {name} is {value!r}; "
        f"give one of {', '.join(_TRUE)} or {', '.join(_FALSE)}."
    )


def _to_int(name: str, value: Any) -> int:
    try:
        return int(value)
    except ValueError as problem:
        raise EnvironmentVariableError(
            f"The environment variable {name} is {value!r}; give a whole number."
        ) from problem


def _say(level: str, msg: str) -> None:
    # Flushed at once, so that the lines keep their place among those on the standard error.
    sys.stdout.write(f"{level} > {msg}\n")
    sys.stdout.flush()
