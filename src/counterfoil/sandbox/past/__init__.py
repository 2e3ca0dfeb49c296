"""The past of a company: months of invoices, bills, bank lines, payments and journals, as if it had lived them (`--history`).

What: `lived` lets every organisation live its months before the sandbox is ready. `cast` are its customers, suppliers
and accounts, `diary` says what happens when (`trade`, `bank_book`), `clerk` carries it out through the functions that
answer the API, so that nothing is in the books that Xero's rules would refuse; only the clock stands in the past. Who
calls it: `server` at the start and `control` at a reset. May not import: `door`, `identity`, `pages`.

The same seed, day and chart give the same past: ids and dice are the organisation's own. The months are whole ones
before the current month; customers go on paying until yesterday. Nothing is after today, so a test's own documents of
this month stand alone.
"""

from counterfoil.sandbox.past.clerk import ImpossibleError
from counterfoil.sandbox.past.living import lived

__all__ = ["ImpossibleError", "lived"]
