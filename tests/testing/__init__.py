"""Tests of counterfoil.testing."""
