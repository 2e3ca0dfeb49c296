"""The cap that legacy plans put on approving invoices (facts 5.0): how many are left, and counting one.

Called by `document_writing` and `organisation`. There is no cap until a person sets one (`/_sandbox/organisation`).
"""

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import document_rules
from counterfoil.sandbox.tables import Row

USED_UP = "You have reached the limit of invoices you can approve"
KEY = "approvals_left"


def left(books: Books) -> int | None:
    """How many more invoices may be approved; None: as many as you like."""
    cap = books.table("settings").get(KEY)
    return None if cap is None else int(cap["left"])


def is_one(before: Row | None, after: Row) -> bool:
    """Whether saving `after` approves an invoice; `before` None: it is new."""
    was_approved = before is not None and before["Status"] in document_rules.APPROVED
    return after["Status"] == "AUTHORISED" and not was_approved


def counted(books: Books) -> list[str]:
    """Count one approval; [] = it may be, else Xero's message."""
    remaining = left(books)
    if remaining is None:
        return []
    if remaining <= 0:
        return [USED_UP]
    books.table("settings").put(KEY, {"left": remaining - 1})
    return []
