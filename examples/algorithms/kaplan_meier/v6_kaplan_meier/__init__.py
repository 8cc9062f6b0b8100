"""Federated Kaplan-Meier estimate: each organization gives counts per time, which are summed."""

from v6_kaplan_meier.central import central_kaplan_meier
from v6_kaplan_meier.partial import partial_event_table

__all__ = ["central_kaplan_meier", "partial_event_table"]
