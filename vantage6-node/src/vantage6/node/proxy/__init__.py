"""The way from running algorithms to the server: checks, encrypts, decrypts, and passes on."""

from vantage6.node.proxy.app import ProxyServices, create_app
from vantage6.node.proxy.server import ProxyServer

__all__ = ["ProxyServer", "ProxyServices", "create_app"]
