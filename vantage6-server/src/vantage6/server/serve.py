"""Entry of the server's process: ``python -m vantage6.server.serve --config FILE``.

The standard library is made cooperative before anything else is imported (ADR 0001); the rest is in
:mod:`vantage6.server.process`.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the server until it is told to stop; ends the process with its exit code."""
    from gevent import monkey

    monkey.patch_all()

    from vantage6.server.process import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
