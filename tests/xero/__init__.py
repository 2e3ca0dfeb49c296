"""Tests of counterfoil's xero."""
