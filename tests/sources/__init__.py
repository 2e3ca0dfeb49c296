"""Mirrors src/counterfoil/sources."""
