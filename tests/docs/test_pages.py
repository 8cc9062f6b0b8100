"""The documentation is that of this code, and its links lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import docs
from vantage6.common.status import RunStatus


def test_generated_pages_are_up_to_date() -> None:
    assert [page.name for page in docs.stale()] == []


def test_every_link_leads_somewhere() -> None:
    assert docs.broken_links() == []


def test_a_broken_link_or_anchor_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("# One\n[a](gone.md) [b](#one) [c](#two) `[d](code.md)`\n")
    monkeypatch.setattr(docs, "ROOT", tmp_path)

    assert [line.split(" links to ")[1] for line in docs.broken_links()] == [
        "gone.md, which does not exist.",
        "#two, which does not exist.",
    ]


def test_every_status_has_a_meaning() -> None:
    assert set(docs.MEANINGS) == set(RunStatus)
