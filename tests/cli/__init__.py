"""Mirrors src/counterfoil/cli."""
