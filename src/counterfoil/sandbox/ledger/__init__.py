"""Double entry: what every approved document, payment, allocation, bank transaction and journal posts, and the sums of it.

What: `follow` posts the journals of one commit, `books` of account sums are in `sums`; everything else is a pure
function from a stored row to balanced entries in base currency. Who calls it: `world` at each commit, `resources.reports`
and `resources.journals` for reading. May not import: `resources`, `door`, `control`, `identity`, `pages`.

A row that is voided, deleted or edited is never unposted: its journals are reversed on their own day and, after an edit,
posted anew, as Xero does (facts 5.16), so that a trial balance of any day is as if the mistake had never been.
Assumed, where no source tells: a prepayment stays on the accounts of its lines until it is allocated or refunded, line
by line in proportion; an overpayment is on the control account from the start; cents that conversions leave over when a
foreign document is fully settled are a realised gain or loss; other cents go to the Rounding account.
"""

from counterfoil.sandbox.ledger.following import follow

__all__ = ["follow"]
