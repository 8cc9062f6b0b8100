"""The application for WSGI servers that bring their own process management.

The configuration file is the first program argument, or named by ``VANTAGE6_CONFIG_LOCATION``
(default ``/mnt/config.yaml``). `vantage6.server.serve` needs no such server.
"""

from __future__ import annotations

import os
import sys

from flask import Flask

from vantage6.common.config.context import InstanceContext
from vantage6.common.enums import InstanceType
from vantage6.common.log import configure_logging
from vantage6.server.startup import read_settings, start_up

__all__ = ["app"]

_LOCATION_VARIABLE = "VANTAGE6_CONFIG_LOCATION"
_DEFAULT_LOCATION = "/mnt/config.yaml"


def _make() -> Flask:
    argument = next((text for text in sys.argv[1:] if text.endswith((".yaml", ".yml"))), None)
    location = argument or os.environ.get(_LOCATION_VARIABLE, _DEFAULT_LOCATION)
    context = InstanceContext.find(InstanceType.SERVER, config=location)
    settings = read_settings(context)
    configure_logging(settings["logging"].as_dict(), context.log_file)
    return start_up(context, settings, socket_mode=_socket_mode()).app


def _socket_mode() -> str:
    """Return gevent if the surrounding server has patched the standard library with it."""
    try:
        from gevent.monkey import is_module_patched
    except ImportError:
        return "threading"
    return "gevent" if is_module_patched("threading") else "threading"


app = _make()
