"""Bodies of ``/organization`` (contract, rest-api section 4.4)."""

from __future__ import annotations

import base64
import binascii

from marshmallow import Schema, ValidationError, fields

from vantage6.common.wire.rest.base import ShortText
from vantage6.common.wire.rest.fields import Name

__all__ = ["OrganizationInput"]


def _is_base64(text: str) -> None:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationError("A public key must be base64 text.") from error


class OrganizationInput(Schema):
    """An organization as it is created or changed."""

    name = Name(required=True)
    address1 = ShortText()
    address2 = ShortText()
    zipcode = ShortText()
    country = ShortText()
    domain = ShortText()
    public_key = fields.String(validate=_is_base64)
