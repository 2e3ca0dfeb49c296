"""What the copy of a ledger comes to: who owes what and since when, what bank accounts did, what is to come in and go out.

Called by app/figures, which hands over documents and the day. May import model and the standard library, never store or
anything that waits; no clock, no randomness: the same documents on the same day give the same answer in any order.
"""
