"""Tests of counterfoil's model."""
