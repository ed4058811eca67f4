"""Where packages come from: archive addresses and PyPI requirements."""
