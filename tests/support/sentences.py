"""What messages to people have in common."""

from __future__ import annotations


def assert_sentence(text: str) -> None:
    """Check that a message is one sentence of a readable length."""
    assert text == text.strip()
    assert "\n" not in text
    assert text.endswith(".")
    assert ". " not in text
    assert 20 < len(text) < 420
