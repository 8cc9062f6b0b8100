"""What the tests over several packages share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.wheels import build_wheels


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Package name to wheel; all lie in one folder."""
    return build_wheels(tmp_path_factory.mktemp("wheels"))
