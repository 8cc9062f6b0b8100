"""The networks of runs: one each, with nothing on it but the run and the way to the proxy."""
