"""Use cases: plain synchronous functions of a unit of work, a principal and a command."""
