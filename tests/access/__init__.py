"""Tests of counterfoil's access."""
