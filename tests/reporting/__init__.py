"""Tests of counterfoil.reporting."""
