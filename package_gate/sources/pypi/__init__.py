"""PyPI: resolving a requirement with its closure."""
