"""The node's connection with the server."""
