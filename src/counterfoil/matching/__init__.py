"""What probably belongs together: proposals with a score and a reason, for a person to confirm. Nothing decides here.

Called by app/. May import model and errors only; no clock, no database, no network: the same input gives the same
proposals, whatever its order.
"""
