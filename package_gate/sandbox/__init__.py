"""Worker processes, and what the kernel keeps them from."""
