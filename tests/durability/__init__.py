"""Processes really killed, stopped and restored; the sandbox's ledger is the judge."""
