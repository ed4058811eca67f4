"""Speed, memory and verdict quality; each module is one command that prints a table."""
