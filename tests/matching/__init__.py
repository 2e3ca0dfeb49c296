"""Tests of matching/: proposals of who is who."""
