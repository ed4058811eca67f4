"""Signed statements of what the gate has decided."""
