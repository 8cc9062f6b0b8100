"""Stand-ins for the server and for whatever runs algorithms, for tests of nodes."""
