"""The package gate: external packages are fetched, scanned, judged and published, or refused."""

__version__ = "0.2.0"
