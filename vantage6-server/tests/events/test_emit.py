"""What peers hear of events."""

from __future__ import annotations

import pytest

from vantage6.server.events.domain import RunsKilled
from vantage6.server.events.emit import to_wire


def test_a_kill_of_nothing_cannot_even_be_expressed() -> None:
    # On the wire an empty list means: stop everything.
    with pytest.raises(ValueError, match="at least one"):
        RunsKilled(1, ())


def test_events_without_a_form_on_the_wire_are_not_told() -> None:
    assert to_wire(object()) is None
