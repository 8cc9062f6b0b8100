"""Runs a node in the foreground: ``python -m vantage6.node.serve --config FILE``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vantage6.common.cli import output
from vantage6.common.cli.instances import holding
from vantage6.common.config.context import InstanceContext, inside_container
from vantage6.common.enums import InstanceType
from vantage6.common.errors import V6Error
from vantage6.common.log import configure_logging
from vantage6.node.app import Announcements, NodeApp
from vantage6.node.settings import NodeSettings, load_node_settings
from vantage6.node.supervisor import stopping_on_signals

__all__ = ["load", "main", "serve"]


def load(context: InstanceContext) -> NodeSettings:
    """Return the checked settings of an instance.

    Raises
    ------
    ConfigurationError
        If they cannot be used.
    """
    return load_node_settings(
        context.read(), str(context.config_file), in_container=inside_container()
    )


def serve(context: InstanceContext) -> None:
    """Run the node of an instance until it is told to stop.

    Raises
    ------
    V6Error
        If it cannot work; the text is one sentence for the operator.
    """
    settings = load(context)
    with holding(context):
        configure_logging(settings["logging"], context.log_file)
        app = NodeApp(
            settings,
            context,
            Announcements(ready=output.info, waiting=output.info, warning=output.warning),
        )
        with stopping_on_signals(app.stop):
            app.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m vantage6.node.serve", description=__doc__)
    parser.add_argument("-c", "--config", required=True, help="Configuration file.")
    parser.add_argument("--system", action="store_true", help="Use the folders of the system.")
    options = parser.parse_args(arguments)
    try:
        serve(InstanceContext.find(InstanceType.NODE, None, options.config, options.system))
    except V6Error as error:
        output.error(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
