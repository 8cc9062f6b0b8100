"""Life of a run at this node."""
