"""Saying which extra is missing."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["require"]


def require(extra: str, *modules: str) -> None:
    """Check that one of the modules that an extra brings is installed.

    Raises
    ------
    ImportError
        If none is; the message says how to install the extra.
    """
    if not any(find_spec(module) for module in modules):
        raise ImportError(
            f"Databases of type {extra} need the package {modules[0]}; "
            f"install vantage6-algorithm-tools[{extra}] in the image."
        )
