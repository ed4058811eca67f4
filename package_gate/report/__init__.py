"""What a run leaves to read: JSON and SARIF for machines, HTML and a table for people."""
