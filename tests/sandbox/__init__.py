"""Tests of the sandbox Xero; those over HTTP use a real process."""
