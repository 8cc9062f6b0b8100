"""Finding the function that a task names, and checking that it can be called as asked."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from vantage6.algorithm.tools.exceptions import (
    AlgorithmModuleNotFoundError,
    MethodNotFoundError,
    UserInputError,
)

if TYPE_CHECKING:
    from inspect import Signature

__all__ = [
    "INJECTED_ATTRIBUTE",
    "Call",
    "MethodUnavailableError",
    "available_functions",
    "check_arguments",
    "find_function",
    "import_package",
    "parse_call",
]

INJECTED_ATTRIBUTE = "_vantage6_injected_arguments"
"""On a function made by one of our decorators: how many arguments that decorator adds."""

_DECORATORS_MODULE = "vantage6.algorithm.tools.decorators"
_RESERVED_FOR_TESTS = frozenset({"mock_client", "mock_data", "mock_metadata"})


class MethodUnavailableError(MethodNotFoundError, AttributeError):
    """No such function; also an ``AttributeError``, as a plain look-up raises."""


class Call(NamedTuple):
    """What a task asks for: a function's name and its arguments."""

    method: str
    args: list[Any]
    kwargs: dict[str, Any]


def parse_call(document: Any) -> Call:
    """Read the input document of a task (contract, serialization section 2).

    Raises
    ------
    UserInputError
        If it does not have the form ``{"method": …, "args": […], "kwargs": {…}}``.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("method"), str):
        raise UserInputError(
            "The input of the task does not name a function; "
            'send {"method": <name>, "args": [], "kwargs": {}}.'
        )
    args = document.get("args")
    kwargs = document.get("kwargs")
    if not isinstance(args, (list, tuple, type(None))):
        raise UserInputError(f"The task's args are of type {type(args).__name__}; send a list.")
    if not isinstance(kwargs, (Mapping, type(None))):
        raise UserInputError(
            f"The task's kwargs are of type {type(kwargs).__name__}; send names with values."
        )
    return Call(document["method"], list(args or []), dict(kwargs or {}))


def import_package(name: str) -> ModuleType:
    """Import the algorithm's package; hyphens in its name are fine.

    Raises
    ------
    AlgorithmModuleNotFoundError
        If it, or something it imports, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        is_itself = f"{name}.".startswith(f"{error.name}.")
        missing = "it" if is_itself else f"the module {error.name!r} that it needs"
        raise AlgorithmModuleNotFoundError(
            f"The algorithm package {name!r} can not be imported because {missing} is not "
            "installed; check the name in PKG_NAME and the packages in the image."
        ) from error


def available_functions(package: ModuleType) -> list[str]:
    """Return the names of the functions of a package that a task may call."""
    names = {*vars(package), *_declared_names(package)}
    return sorted(name for name in names if _callable_by_task(package, name) is not None)


def find_function(package: ModuleType, name: str) -> Callable[..., Any]:
    """Return the function of the algorithm that a task names.

    Only functions that the package defines itself, or lists in ``__all__``, can be called by a
    task: what it merely imports, such as a helper that reads the environment, cannot.

    Raises
    ------
    MethodUnavailableError
        If there is no such function; the message lists those that there are.
    """
    function = _callable_by_task(package, name)
    if function is not None:
        return function
    offered = ", ".join(available_functions(package)) or "none"
    raise MethodUnavailableError(
        f"The algorithm package {package.__name__!r} has no function {name!r} that a task may "
        f"call; available are: {offered}."
    )


def check_arguments(function: Callable[..., Any], call: Call) -> None:
    """Check that a function takes the arguments of a call, without calling it.

    What our decorators add is taken into account. A function behind a decorator that we do not
    know is not checked, since that one may add arguments as well.

    Raises
    ------
    UserInputError
        If an argument is missing, unknown, or given twice.
    """
    reserved = _RESERVED_FOR_TESTS & call.kwargs.keys()
    if reserved and hasattr(function, INJECTED_ATTRIBUTE):
        raise UserInputError(
            f"The argument {min(reserved)!r} is for tests of the algorithm; leave it out."
        )
    signature, added = _signature(function)
    if signature is None:
        return
    try:
        signature.bind(*[None] * added, *call.args, **call.kwargs)
    except TypeError as error:
        expected = ", ".join(_expected(signature, added)) or "none"
        raise UserInputError(
            f"The arguments do not fit the function {call.method!r} ({error}); "
            f"it takes: {expected}."
        ) from error


def _declared_names(package: ModuleType) -> frozenset[str]:
    return frozenset(getattr(package, "__all__", ()))


def _callable_by_task(package: ModuleType, name: str) -> Callable[..., Any] | None:
    if name.startswith("_"):
        return None
    candidate: Any = getattr(package, name, None)
    is_offered = name in _declared_names(package) or _is_defined_in(package, candidate)
    return candidate if is_offered and _is_function(candidate) else None


def _is_function(candidate: Any) -> bool:
    """Tell functions, also compiled and decorated ones, from classes and other objects."""
    return (
        callable(candidate)
        and not isinstance(candidate, type)
        and hasattr(candidate, "__qualname__")
    )


def _is_defined_in(package: ModuleType, function: Any) -> bool:
    """Tell whether a function is at home in the package, or beside it if that is a module."""
    home = str(getattr(function, "__module__", ""))
    name = package.__name__
    parent = name.rpartition(".")[0]
    return home == name or home.startswith(f"{name}.") or _is_below(home, parent)


def _is_below(home: str, parent: str) -> bool:
    return bool(parent) and home.startswith(f"{parent}.")


def _signature(function: Callable[..., Any]) -> tuple[Signature | None, int]:
    """Return the signature behind our decorators, and how many arguments those add."""
    import inspect

    added = 0
    while hasattr(function, "__wrapped__"):
        if not _is_made_by_us(function):
            return None, 0
        added += getattr(function, INJECTED_ATTRIBUTE)
        function = function.__wrapped__
    try:
        return inspect.signature(function), added
    except (TypeError, ValueError):  # compiled functions need not tell
        return None, 0


def _is_made_by_us(function: Any) -> bool:
    """Tell by the function's globals: its attributes may be copies of those it wraps."""
    return getattr(function, "__globals__", {}).get("__name__") == _DECORATORS_MODULE


def _expected(signature: Signature, added: int) -> list[str]:
    return [str(parameter) for parameter in signature.parameters.values()][added:]
