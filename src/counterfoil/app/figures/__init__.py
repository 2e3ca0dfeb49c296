"""Figures of an entity from the copy of its ledger: receivables, payables, cash; each says how old what it stands on is.

Called by the service's API and by programs. May import reporting, mirror and store; makes no call to Xero. The sums
are reporting's, pure; here is read, a few hundred documents at a time, and refused when something was never read.
"""
