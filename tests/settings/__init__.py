"""Mirrors src/counterfoil/settings."""
