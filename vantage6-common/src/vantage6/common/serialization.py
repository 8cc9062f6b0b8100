"""Values to the bytes that travel (contract, serialization section 1)."""

from __future__ import annotations

from vantage6.common.payload.codec import serialize

__all__ = ["serialize"]
