"""The command ``v6``: its groups come from the installed packages.

A package adds a group with an entry point ``vantage6.cli``. A group is imported only when it is
used, and one that cannot be imported does not take the others with it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from vantage6.common._version import __version__
from vantage6.common.cli.output import error, run_command
from vantage6.common.errors import ConfigurationError

if TYPE_CHECKING:
    import click

__all__ = ["build", "main", "vdev"]

_ENTRY_POINTS = "vantage6.cli"
_USAGE_ERROR = 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``v6``; this does not return, it ends the process with an exit code."""
    try:
        root = build()
    except ModuleNotFoundError as problem:
        if problem.name != "click":
            raise
        error(
            "The command line needs a library that is not installed; "
            "run: pip install 'vantage6-common[cli,config]'"
        )
        sys.exit(_USAGE_ERROR)
    run_command(root)(args=arguments, prog_name="v6")


def vdev() -> None:
    """Run ``v6 dev``, under the name it has had since version 3."""
    main(["dev", *sys.argv[1:]])


def build() -> click.Group:
    """Return the group of all groups."""
    import click

    class Root(click.Group):
        """Finds its groups among the installed packages."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return sorted({*super().list_commands(ctx), *_found()})

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            plug_in = _found().get(cmd_name)
            if plug_in is None:
                return super().get_command(ctx, cmd_name)
            return _loaded(plug_in)

    @click.command(
        cls=Root,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=f"Release {__version__}.",
    )
    def v6() -> None:
        """Manage vantage6 servers and nodes."""

    return v6


def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_ENTRY_POINTS)}


def _loaded(plug_in: EntryPoint) -> click.Command:
    import click

    try:
        group = plug_in.load()
    except (ImportError, AttributeError) as problem:
        return _broken(plug_in.name, problem)
    if not isinstance(group, click.Command):
        return _broken(plug_in.name, TypeError(f"{plug_in.value} is no command"))
    return group


def _broken(name: str, problem: Exception) -> click.Command:
    """Stand in for a group that cannot be imported, and say so when it is used."""
    import click

    def fail(**_: object) -> None:
        raise ConfigurationError(
            f"The commands of 'v6 {name}' cannot be loaded ({problem}); "
            "install the package that provides them again."
        )

    return click.Command(
        name,
        callback=fail,
        help="Cannot be loaded.",
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
    )


if __name__ == "__main__":
    main()
