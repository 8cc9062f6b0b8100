"""Messages between the released packages and ours, both ways and in all forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.crypto.keys import create_private_key

pytestmark = pytest.mark.interop

RunScript = Callable[..., Any]
MESSAGE = json.dumps({"names": ["Zoë", "日本"], "values": list(range(500))}, ensure_ascii=False)


@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_what_one_side_encrypts_the_other_reads(
    writer: str, run_script: RunScript, run_our_script: RunScript, tmp_path: Path
) -> None:
    create_private_key(tmp_path / "key.pem")
    write, read = run_our_script, run_script
    if writer == "theirs":
        write, read = read, write

    write("crypto", task="write", folder=str(tmp_path), message=MESSAGE)
    found = read("crypto", task="read", folder=str(tmp_path), message=MESSAGE)

    assert found == {"inline": MESSAGE, "blob": MESSAGE, "stream": MESSAGE}
