"""The entry of the balances that an organisation comes with: what they lack to nothing is a historical adjustment.

Called by `following`. The row is written by `resources.setup`.
"""

from typing import Final

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger.entry import Entry, Line, balanced
from counterfoil.sandbox.tables import Row

TABLE: Final = "conversion"
HISTORICAL: Final = "HISTORICAL"
# The published list of sources has none for it.
_SOURCE: Final = "MANJOURNAL"


def balances(books: Books, row: Row) -> list[Entry]:
    """One entry on the day of the balances."""
    lines = [Line(account_id, amount, description="Conversion balance") for account_id, amount in row["balances"]]
    return [Entry("", books.tenant_id, _SOURCE, row["day"], "", balanced(books, lines, HISTORICAL))]
