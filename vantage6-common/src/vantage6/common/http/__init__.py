"""Talking to a REST interface: one way to send, with credentials, retries and paging."""
