"""What may stand in a configuration: typed fields in sections, defined once.

Validation, sample file and reference page are all made from these definitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["Field", "Kind", "Section"]


class Kind(str, Enum):
    """What a value has to be; the texts complete "it has to be"."""

    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    LIST = "a list"
    MAPPING = "a mapping"
    ANY = "anything"

    def __str__(self) -> str:
        """Return the words for messages."""
        return str(self.value)


@dataclass(frozen=True)
class Field:
    """One setting.

    Parameters
    ----------
    name : str
        Its key in the file.
    kind : Kind
        What the value has to be. Text that spells a number or a truth value is accepted for
        these kinds, as the contract wants it.
    doc : str
        What it means, in a sentence.
    default : Any
        The value when the key is absent or null.
    required : bool
        Whether the key has to be there.
    secret : bool
        Whether the value must not be shown.
    nullable : bool
        For required keys: whether null is a value, too.
    aliases : tuple of str
        Other keys under which it is found in the same section.
    choices : tuple
        The only values allowed, if not empty.
    minimum, maximum : float, optional
        Limits, inclusive.
    items : Section or Kind, optional
        What the entries of a list, or the values of a mapping, have to be. A list of texts may
        be written as a single text.
    example : Any
        A value for the sample file, where the default would not tell much.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    required: bool = False
    secret: bool = False
    nullable: bool = False
    aliases: tuple[str, ...] = ()
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    items: Section | Kind | None = None
    example: Any = None


@dataclass(frozen=True)
class Section:
    """A mapping of settings.

    Parameters
    ----------
    name : str
        Its key in the file; empty for the file itself.
    doc : str
        What it is about, in a sentence.
    fields : tuple of Field and Section
        What may stand in it.
    optional : bool
        Whether an absent section means "switched off" (the value is then None) instead of "all
        defaults".
    aliases : tuple of str
        Other keys under which it is found.
    """

    name: str
    doc: str
    fields: tuple[Field | Section, ...]
    optional: bool = False
    aliases: tuple[str, ...] = ()

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Field | Section]]:
        """Give all fields and sections below this one with their dotted names, in order.

        Entries of lists are found under ``name[]``.
        """
        for field in self.fields:
            path = f"{prefix}{field.name}"
            yield path, field
            if isinstance(field, Section):
                yield from field.walk(f"{path}.")
            elif isinstance(field.items, Section):
                yield from field.items.walk(f"{path}[].")
