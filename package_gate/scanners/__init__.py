"""One module a scanner, one interface, and the worker processes they run in."""
