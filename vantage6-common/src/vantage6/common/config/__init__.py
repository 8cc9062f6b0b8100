"""Configurations: what may stand in them, where they lie, and how they are read and shown."""
