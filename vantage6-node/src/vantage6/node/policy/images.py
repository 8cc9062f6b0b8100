"""Reading and comparing image references and the patterns that allow them; no input, no output."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vantage6.common.errors import ConfigurationError

__all__ = ["Pattern", "is_expression", "without_version"]

_EXPRESSION_SIGNS = frozenset("*\\?$^[](){}|+")
_DEFAULT_REGISTRY = "docker.io/"


def is_expression(entry: str) -> bool:
    """Tell whether an entry of a policy list is a regular expression; a lone dot is not enough."""
    return any(sign in _EXPRESSION_SIGNS for sign in entry)


def without_version(image: str) -> str:
    """Return an image reference without tag, digest and default registry."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    name = f"{head}{slash}{last.partition(':')[0]}"
    return name.removeprefix(_DEFAULT_REGISTRY)


@dataclass(frozen=True)
class Pattern:
    """One entry of a policy list, ready to be compared.

    Attributes
    ----------
    text : str
        As written in the configuration.
    expression : re.Pattern or None
        The compiled expression; None for an entry that means itself.
    """

    text: str
    expression: re.Pattern[str] | None

    @classmethod
    def parse(cls, text: str, setting: str) -> Pattern:
        """Read an entry of the list `setting`.

        Raises
        ------
        ConfigurationError
            If it looks like a regular expression and is none.
        """
        if not is_expression(text):
            return cls(text, None)
        try:
            return cls(text, re.compile(text))
        except re.error as error:
            raise ConfigurationError(
                f"The entry {text!r} of {setting} is not a valid regular expression ({error}); "
                "correct it."
            ) from error

    def fits(self, value: str) -> bool:
        """Tell whether the entry means this text; an expression has to fit all of it."""
        if self.expression is None:
            return self.text == value
        return self.expression.fullmatch(value) is not None

    def fits_start(self, value: str) -> bool:
        """Tell whether an expression fits the beginning only, which allows nothing."""
        return (
            self.expression is not None
            and self.expression.match(value) is not None
            and not self.fits(value)
        )

    def fits_any_version(self, image: str) -> bool:
        """Tell whether an entry without tag and digest means this image in all its versions."""
        return self.expression is None and self.text == without_version(image)

    def names_same_image(self, image: str) -> bool:
        """Tell whether a literal entry is some version of the same image."""
        return self.expression is None and without_version(self.text) == without_version(image)
