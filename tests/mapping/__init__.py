"""Mirrors src/counterfoil/mapping."""
