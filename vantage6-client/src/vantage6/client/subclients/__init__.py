"""One sub-client per noun of the REST interface."""
