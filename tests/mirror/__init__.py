"""Tests of the mirror's first part."""
