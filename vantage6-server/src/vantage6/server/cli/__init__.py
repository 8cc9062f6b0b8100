"""Commands ``v6 server …``."""
