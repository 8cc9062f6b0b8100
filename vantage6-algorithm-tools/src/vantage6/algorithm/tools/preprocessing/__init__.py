"""Preparing a DataFrame as the task asks, before the algorithm sees it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vantage6.algorithm.tools.preprocessing import functions
from vantage6.algorithm.tools.util import fail

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["preprocess_data"]


def preprocess_data(df: pd.DataFrame, steps: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Apply functions of `vantage6.algorithm.tools.preprocessing.functions` one after another.

    Ends the run as failed if a step names no known function or lacks a parameter.

    Parameters
    ----------
    df : pandas.DataFrame
        The data.
    steps : sequence of dict
        Each ``{"function": <name>, "parameters": {<name>: <value>}}``.

    Returns
    -------
    pandas.DataFrame
        The prepared data.
    """
    for step in steps:
        df = _function(step)(df, **_parameters(step))
    return df


def _function(step: dict[str, Any]) -> Callable[..., Any]:
    name = step.get("function")
    if name is None:
        fail('A preprocessing step names no function; give it a "function".')
    if name not in functions.__all__:
        fail(
            f"There is no preprocessing function {name!r}; "
            f"available are: {', '.join(sorted(functions.__all__))}."
        )
    function: Callable[..., Any] = getattr(functions, name)
    return function


def _parameters(step: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a step, complete as far as its function needs them."""
    given: dict[str, Any] = step.get("parameters") or {}
    takes = list(inspect.signature(_function(step)).parameters.values())[1:]
    missing = [
        parameter.name
        for parameter in takes
        if parameter.default is parameter.empty and parameter.name not in given
    ]
    if missing:
        fail(
            f"The preprocessing function {step['function']!r} needs the parameter(s) "
            f"{', '.join(missing)}; add them to the step."
        )
    return given
