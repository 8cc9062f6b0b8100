"""The runner that keeps each algorithm in a container of its own."""
