"""The exactly-once engine: plan, freeze, send, judge, look, adopt (design §3.1).

Called by app. May import mirror, access, xero, store, model; never flows, the command line or the console. Three rules
make it safe to kill at any instant: the database is the truth and a wake-up only a hint; the intent is committed before
the act and the outcome after it; nothing goes to Xero without a committed posting, request and attempt.
"""
