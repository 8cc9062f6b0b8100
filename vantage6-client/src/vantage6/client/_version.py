"""Version shared by all packages of the project."""

__version__ = "4.15.100"
