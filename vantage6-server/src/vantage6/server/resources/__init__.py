"""HTTP handlers: load the body, call one service, dump the answer."""
