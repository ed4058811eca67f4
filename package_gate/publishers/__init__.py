"""Where approved packages go; one module a target, one interface."""
