"""The command line: ``v6``, its output, and what the commands for all kinds of instances share."""
