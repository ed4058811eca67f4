"""The command line: arguments and environment to configured parts."""
