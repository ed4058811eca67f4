"""Safe unpacking: hostile archives become findings, never crashes and never stray files."""
