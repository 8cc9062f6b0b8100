"""Algorithm stores: which ones the server knows, and what is in the selected one."""
