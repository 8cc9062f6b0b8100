"""Fields and rules that several nouns share (contract, rest-api section 1.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from marshmallow import ValidationError, fields, validate

__all__ = ["Identifier", "Moment", "Name", "Url"]

_NAME_LENGTH = 128
_HIGHEST_ID = 2**31 - 1  # what the databases store
_MOMENT = re.compile(
    r"(?P<main>\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?P<seconds>:\d{2})?)"
    r"(?:[.,](?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
)


class Identifier(fields.Integer):
    """The id of a record: at least 1; decimal text is accepted like the number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Range(min=1, max=_HIGHEST_ID), **options)


class Name(fields.String):
    """A name: 1 to 128 characters, not only digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            validate=[validate.Length(min=1, max=_NAME_LENGTH), _not_only_digits], **options
        )


class Url(fields.Url):
    """An absolute http(s) URL whose host is dotted, an address or ``localhost``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(schemes={"http", "https"}, require_tld=True, **options)


class Moment(fields.Field[datetime]):
    """A moment in any ISO 8601 form; without a zone it means UTC. Loads as UTC-aware."""

    def _serialize(
        self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else value.astimezone(timezone.utc).isoformat()

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError("Not a date and time in ISO 8601 form.")
        try:
            return _read(found)
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not an existing date and time.") from error


def _read(found: re.Match[str]) -> datetime:
    """Build the moment from its parts; the form Python 3.10 reads is narrower than ISO 8601."""
    seconds = found["seconds"] or ":00"
    main = found["main"].removesuffix(seconds) + seconds
    fraction = (found["fraction"] or "0").ljust(6, "0")[:6]
    zone = (found["zone"] or "Z").upper()
    if zone == "Z":
        zone = "+00:00"
    elif ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return datetime.fromisoformat(f"{main}.{fraction}{zone}").astimezone(timezone.utc)


def _not_only_digits(value: str) -> None:
    if value.isdigit():
        raise ValidationError("A name must not consist of digits only.")
