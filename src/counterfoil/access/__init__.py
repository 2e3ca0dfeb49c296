"""Consent, tokens, the vault, bindings and the audit log: who may reach which ledger, and the proof of it.

Called by mirror, posting (bindings, audit), app and cli. May import xero, runtime, store, settings, model and errors;
never the HTTP library or a database driver: those have their own doors.
"""
