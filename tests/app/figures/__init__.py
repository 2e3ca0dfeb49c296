"""Tests of counterfoil.app.figures."""
