"""Mirrors src/counterfoil/flows."""
