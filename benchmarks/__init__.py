"""Speed and memory; each module is one command that prints a table."""
