"""Mirrors src/counterfoil/cli/sample."""
