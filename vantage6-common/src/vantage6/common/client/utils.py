"""Helpers for logging in with a second factor, under the names of the contract."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from vantage6.common.payload.reference import is_uuid

__all__ = ["is_uuid", "print_qr_code", "show_qr_code_image"]


def print_qr_code(json_data: Mapping[str, Any], stream: TextIO | None = None) -> None:
    """Print how to set up a second factor, with a QR code and the secret.

    Parameters
    ----------
    json_data : Mapping
        The server's answer, with ``qr_uri`` and ``otp_secret``.
    stream : TextIO, optional
        Where to print; by default standard output.
    """
    out = stream or sys.stdout
    uri = str(json_data["qr_uri"])
    out.write(
        "Your server asks for a second factor, which is not set up for your account yet.\n"
        "Scan the code below with an authenticator app, then log in again with the six digits\n"
        "that it shows as mfa_code.\n\n"
    )
    out.write(_qr_code(uri) or f"{uri}\n(install the library qrcode to see it as a QR code)\n")
    out.write(f"\nSecret, for apps that cannot scan: {json_data.get('otp_secret', '')}\n")
    out.flush()


def show_qr_code_image(qr_uri: str) -> None:
    """Open a picture with the QR code in the viewer of the system.

    Raises
    ------
    ModuleNotFoundError
        If the libraries ``qrcode`` and ``pillow`` are not installed.
    """
    import qrcode

    qrcode.make(qr_uri).show()


def _qr_code(uri: str) -> str | None:
    """Return a QR code made of characters, or nothing if the library for it is missing."""
    try:
        import qrcode
    except ModuleNotFoundError:
        return None
    code = qrcode.QRCode()
    code.add_data(uri)
    code.make(fit=True)
    text = io.StringIO()
    # Light on dark is what most terminals are, and what most apps read either way.
    code.print_ascii(out=text, invert=True)
    return text.getvalue()
