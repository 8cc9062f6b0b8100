"""Federated average of a column: each organization gives a sum and a count."""

from v6_average.central import central_average
from v6_average.partial import partial_average

__all__ = ["central_average", "partial_average"]
