"""Demonstrations on the embedded table."""
