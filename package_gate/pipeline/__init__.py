"""The gate: the order of the steps, and the steps."""
