"""Naming changes by meaning."""
