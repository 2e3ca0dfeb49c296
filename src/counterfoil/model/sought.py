"""Which documents of a resource somebody looks for, and whether one is among them.

Called by store/mirror_pages and app/mirrored_documents. Pure. Only what is asked for is read of a document: its contact, its
number by whatever name Xero gives it, its own date. Facts §4.2.
"""

import datetime
from typing import Any

import msgspec

from counterfoil.model import record

NUMBERED = {  # where a document's own number stands
    "Accounts": "Code", "Contacts": "ContactNumber", "CreditNotes": "CreditNoteNumber", "Invoices": "InvoiceNumber",
    "Items": "Code", "PurchaseOrders": "PurchaseOrderNumber", "Quotes": "QuoteNumber",
}  # fmt: skip
WITH_CONTACT = (
    "BankTransactions", "CreditNotes", "Invoices", "Overpayments", "Prepayments", "PurchaseOrders", "Quotes",
)  # fmt: skip
DATED = (*WITH_CONTACT, "BankTransfers", "ManualJournals", "Payments")
GONE = "DELETED"  # the status of what was deleted at Xero and is still answered


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; None and empty: whatever it is. `first` and `last` are both included, `updated_after` is not.

    `deleted`: also what is gone from Xero, or has status DELETED there; the latter also when `statuses` names it.
    """

    statuses: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    updated_after: datetime.datetime | None = None
    contact: str | None = None
    number: str | None = None
    first: datetime.date | None = None
    last: datetime.date | None = None
    deleted: bool = False

    @property
    def reads_documents(self) -> bool:
        """Whether only the document itself tells if it is among them."""
        return any(one is not None for one in (self.contact, self.number, self.first, self.last))

    def fits(self, resource: str, body: bytes) -> bool:
        """Whether a document has this contact, number and date."""
        if not self.reads_documents:
            return True
        facts = _FACTS.decode(body)
        if self.contact is not None and facts.contact_id() != self.contact:
            return False
        if self.number is not None and facts.number(resource) != self.number:
            return False
        if self.first is None and self.last is None:
            return True
        day = facts.day()
        return day is not None and (self.first or day) <= day <= (self.last or day)


class _Facts(msgspec.Struct, frozen=True):
    """What is looked for of a document, whatever kind of value Xero sends there."""

    contact: Any = msgspec.field(name="Contact", default=None)
    date: Any = msgspec.field(name="Date", default=None)
    account_code: Any = msgspec.field(name="Code", default=None)
    contact_number: Any = msgspec.field(name="ContactNumber", default=None)
    credit_note_number: Any = msgspec.field(name="CreditNoteNumber", default=None)
    invoice_number: Any = msgspec.field(name="InvoiceNumber", default=None)
    purchase_order_number: Any = msgspec.field(name="PurchaseOrderNumber", default=None)
    quote_number: Any = msgspec.field(name="QuoteNumber", default=None)

    def contact_id(self) -> Any:
        """Whose document it is; None: nobody's."""
        return self.contact.get("ContactID") if isinstance(self.contact, dict) else None

    def number(self, resource: str) -> Any:
        """The document's own number; None: it has none."""
        return getattr(self, _ATTRIBUTES[NUMBERED[resource]]) if resource in NUMBERED else None

    def day(self) -> datetime.date | None:
        """The document's own date; None: it has none that we can read."""
        try:
            return record.day(self.date) if isinstance(self.date, str) else None
        except ValueError:
            return None


_ATTRIBUTES = {one.encode_name: one.name for one in msgspec.structs.fields(_Facts)}
_FACTS = msgspec.json.Decoder(_Facts)
