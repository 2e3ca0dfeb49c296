"""How a change's answer is recognised and compared: by the document's id and by the fields that were set.

Called by kinds' users for POST requests (judging through sending, rewriting). Pure. The table of design §3.1: an update,
a void or a delete of our document is looked for by its id and proved by the fields that the revision sets.
"""

from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.posting import comparing, encoding, kinds
from counterfoil.posting.kinds import Kind
from counterfoil.store.postings import Brief, Posting
from counterfoil.xero.elements import DocumentContact, Written

METHOD = "POST"  # never without InvoiceID: Xero would match by number, or create (facts §4.7)


class WrittenTracking(msgspec.Struct, frozen=True, rename="pascal"):
    """A line's tracking as Xero stored it."""

    name: str | None = None
    option: str | None = None


class WrittenLine(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """A line as Xero stored it, with all that a change may set."""

    description: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    account_code: str | None = None
    tax_type: str | None = None
    tax_amount: Decimal | None = None
    discount_rate: Decimal | None = None
    discount_amount: Decimal | None = None
    tracking: tuple[WrittenTracking, ...] = ()
    item_code: str | None = None
    line_item_id: str | None = msgspec.field(default=None, name="LineItemID")


class WrittenChange(Written, frozen=True, kw_only=True, omit_defaults=True):
    """An invoice as Xero stored it, with all that a change may set."""

    document_id: str | None = msgspec.field(default=None, name="InvoiceID")
    document_number: str | None = msgspec.field(default=None, name="InvoiceNumber")
    reference: str | None = msgspec.field(default=None, name="Reference")
    contact: DocumentContact | None = msgspec.field(default=None, name="Contact")
    date: str | None = msgspec.field(default=None, name="Date")
    due_date: str | None = msgspec.field(default=None, name="DueDate")
    currency: str | None = msgspec.field(default=None, name="CurrencyCode")
    rate: Decimal | None = msgspec.field(default=None, name="CurrencyRate")
    amounts: str | None = msgspec.field(default=None, name="LineAmountTypes")
    branding_theme: str | None = msgspec.field(default=None, name="BrandingThemeID")
    sent: bool | None = msgspec.field(default=None, name="SentToContact")
    status: str | None = msgspec.field(default=None, name="Status")
    lines: tuple[WrittenLine, ...] = msgspec.field(default=(), name="LineItems")
    total: Decimal | None = msgspec.field(default=None, name="Total")


class WrittenCreditNoteChange(WrittenChange, frozen=True, kw_only=True, omit_defaults=True):
    """A credit note as Xero stored it, with all that a change may set."""

    document_id: str | None = msgspec.field(default=None, name="CreditNoteID")
    document_number: str | None = msgspec.field(default=None, name="CreditNoteNumber")


def differences(stored: WrittenChange, sets: bytes, _contact_id: str | None) -> tuple[str, ...]:
    """What was set and is not there. `sets`: {"element", "total"} as the change was frozen with, in our words."""
    return missing(kinds.in_our_words(msgspec.to_builtins(stored, builtin_types=(Decimal,))), sets)


def missing(stored: dict[str, Any], sets: bytes) -> tuple[str, ...]:
    """The same for a document that was read."""
    wanted = encoding.decode(sets)
    found = comparing.missing(wanted["element"], stored)
    total, now = wanted.get("total"), stored.get("Total")
    if total is not None and now is not None and Decimal(str(total)) != now:
        found += (f"total: we expected {total}, Xero stored {now}",)
    return found


def _is_it(stored: WrittenChange, posting: Brief) -> bool:
    return isinstance(posting, Posting) and stored.document_id == posting.document_id


def _never_built(_element: bytes, _posting: Brief, _contact_id: str | None, _public_url: str) -> bytes:
    raise AssertionError("a change is frozen as it was compared (posting/rewriting)")


CHANGED_INVOICE = Kind(
    name=kinds.INVOICE.name,
    resource=kinds.INVOICE.resource,
    written=WrittenChange,
    unique=(),  # a number that is taken is Xero's refusal of the change: the document stands as it was
    build=_never_built,
    carries_mark=_is_it,
    differences=differences,
)
CHANGED_CREDIT_NOTE = msgspec.structs.replace(
    CHANGED_INVOICE,
    name=kinds.CREDIT_NOTE.name,
    resource=kinds.CREDIT_NOTE.resource,
    written=WrittenCreditNoteChange,
)
CHANGED = {kind.resource: kind for kind in (CHANGED_INVOICE, CHANGED_CREDIT_NOTE)}
