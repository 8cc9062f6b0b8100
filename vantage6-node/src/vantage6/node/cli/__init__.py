"""Commands ``v6 node …``."""
