"""What is known of packages by name and version."""
