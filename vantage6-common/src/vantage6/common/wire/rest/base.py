"""Bodies and fields that several nouns of the organization side share (contract, rest-api 1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from vantage6.common.wire.rest.fields import Identifier

__all__ = ["IdInput", "LiteralBoolean", "ShortText", "identifiers", "members"]

_TEXT_LENGTH = 128


class ShortText(fields.String):
    """Text of at most 128 characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Length(max=_TEXT_LENGTH), **options)


def identifiers(**options: Any) -> fields.List[int]:
    """Return a field for a list of ids, possibly empty."""
    return fields.List(Identifier(), **options)


def members(**options: Any) -> fields.List[int]:
    """Return a field for the ids of member organizations: at least one, none twice."""
    return fields.List(Identifier(), validate=_one_or_more_without_repetition, **options)


class LiteralBoolean(fields.Boolean):
    """A boolean of which only JSON ``true`` and ``1`` mean yes.

    The usual spellings pass, but ``"true"`` counts as no (golden sample ``collaboration__POST``,
    case ``encrypted-as-string-true``).
    """

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        super()._deserialize(value, attr, data, **kwargs)
        return not isinstance(value, str) and value == 1


class IdInput(Schema):
    """A body that names one record."""

    id = Identifier(required=True)


def _one_or_more_without_repetition(values: list[int]) -> None:
    if not values:
        raise ValidationError("At least one organization is needed.")
    if len(set(values)) != len(values):
        raise ValidationError("An organization is named more than once.")
