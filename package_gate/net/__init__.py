"""The only HTTP client: which addresses may be asked, and how."""
