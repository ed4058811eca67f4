"""Scans the dependencies of a repository: what is asked for, what that brings in, what fixes it."""
