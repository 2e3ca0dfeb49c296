"""Checks of a record against its ledger, one file per question; each returns Findings and never raises.

Called by flows/, which choose what to check. Pure: may import model alone. Files: lines (accounts and taxes), tracking, days (due
dates, locks, start), amounts (limits, expected total), unposted (what is refused because it is not posted yet),
unseen (keys with characters that nobody sees).
"""
