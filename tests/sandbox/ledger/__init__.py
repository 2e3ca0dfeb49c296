"""Tests of double entry."""
