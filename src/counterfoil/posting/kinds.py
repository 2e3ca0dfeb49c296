"""What each kind of posting looks like at Xero: path, marker, how an answer's element is recognised and compared.

Called by freezing, judging, looking, recording. Pure. A kind without an entry here may not be written (design §3.1): the
table says how each is found again.
"""

import datetime
import functools
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.model.prepared import Predicted
from counterfoil.posting import encoding, identity
from counterfoil.store.documents import fold
from counterfoil.store.postings import Brief, Posting
from counterfoil.xero.elements import Written, WrittenContact, WrittenCreditNote, WrittenInvoice

REFERENCE_LIMIT = 255
ZERO_ID = "00000000-0000-0000-0000-000000000000"
_WIRE_DATE = re.compile(r"/Date\((-?\d+)")


class Kind(msgspec.Struct, frozen=True):
    """How one kind is written and recognised. `unique` finds the words of Xero's uniqueness refusals.

    `written`: what is read of an element of the answer. `build(element, posting, contact id, public url)` makes the
    bytes that are sent; `differences(stored, predicted, contact id)` compares with the prediction, which is JSON.
    `under`: what the document before it in the chain is called where one is written beneath it, one per request.
    """

    name: str
    resource: str
    written: type[Written]
    unique: tuple[str, ...]
    build: Callable[[bytes, Brief, str | None, str], bytes]
    carries_mark: Callable[[Any, Brief], bool]
    differences: Callable[[Any, bytes, str | None], tuple[str, ...]]
    under: str = ""

    def path(self, before_id: str | None) -> str:
        """Where it is written. `before_id`: the document of the posting before it."""
        return f"{self.under}/{before_id}/{self.resource}" if self.under else self.resource


@functools.lru_cache(1024)  # an answer repeats the same few days
def wire_date(value: str | None) -> datetime.date | None:
    """The calendar day of Xero's /Date(ms+0000)/ (facts §4.2: midnight UTC of the day); None when there is none."""
    found = _WIRE_DATE.match(value) if value is not None else None
    if not found:
        return None
    return datetime.date(1970, 1, 1) + datetime.timedelta(milliseconds=int(found.group(1)))


def _build_invoice(element: bytes, posting: Brief, contact_id: str | None, public_url: str) -> bytes:
    """The element as sent: the contact by id only (a name would edit Xero's contact), and our mark."""
    assert contact_id is not None, "a document is frozen only after its contact is posted"
    more: dict[str, Any] = {
        "Contact": {"ContactID": contact_id},
        "Url": identity.marker_url(public_url, posting.marker),
    }
    if posting.own_number:
        return encoding.extended(element, more)
    built = encoding.decode(element)
    reference = identity.with_marker(built.get("Reference", ""), posting.marker, REFERENCE_LIMIT)
    return encoding.encode({**built, **more, "Reference": reference})


def _invoice_carries_mark(stored: WrittenInvoice, posting: Brief) -> bool:
    return identity.find_marker(stored.url, stored.reference) == posting.marker


_predicted_invoice = msgspec.json.Decoder(Predicted)
COMPARED = ("contact", "status", "date", "due date", "currency", "subtotal", "tax", "total", "number of lines")


def _invoice_differences(stored: WrittenInvoice, predicted: bytes, contact_id: str | None) -> tuple[str, ...]:
    """What Xero stored against what we predicted; each difference in a bookkeeper's words."""
    expected = _predicted_invoice.decode(predicted)
    due_date = wire_date(stored.due_date) if expected.due_date else None  # without ours, Xero takes the contact's terms
    ours = (
        contact_id, expected.status, expected.date, expected.due_date, expected.currency, expected.sub_total,
        expected.total_tax, expected.total, len(expected.lines),
    )  # fmt: skip
    lines = stored.lines or ()
    theirs = (
        stored.contact.contact_id if stored.contact else None, stored.status, wire_date(stored.date), due_date,
        stored.currency, stored.sub_total, stored.total_tax, stored.total, len(lines),
    )  # fmt: skip
    found = [] if ours == theirs else list(zip(COMPARED, ours, theirs, strict=True))
    for number, (line, was) in enumerate(zip(expected.lines, lines, strict=False), 1):
        if line.account_code != was.account_code:
            found.append((f"line {number} account", line.account_code, was.account_code))
        if line.tax_type is not None and line.tax_type != was.tax_type:
            found.append((f"line {number} tax", line.tax_type, was.tax_type))
    return _told(found) if found else ()


def _told(compared: Iterable[tuple[str, object, object]]) -> tuple[str, ...]:
    return tuple(
        [f"{what}: we expected {ours}, Xero stored {theirs}" for what, ours, theirs in compared if ours != theirs]
    )


def _build_contact(element: bytes, posting: Brief, _contact_id: str | None, _public_url: str) -> bytes:
    return encoding.encode({**encoding.decode(element), "ContactNumber": posting.external_id})


def _contact_carries_mark(stored: WrittenContact, posting: Brief) -> bool:
    return stored.document_number == posting.external_id


def _contact_differences(stored: WrittenContact, predicted: bytes, _contact_id: str | None) -> tuple[str, ...]:
    wanted = str(encoding.decode(predicted).get("name", ""))
    return _told([("name", fold(wanted), fold(stored.name or ""))])


class PaidInvoice(msgspec.Struct, frozen=True):
    """What a payment is on."""

    invoice_id: str | None = msgspec.field(default=None, name="InvoiceID")


class WrittenPayment(Written, frozen=True, kw_only=True):
    """A payment as Xero stored it. Dates in Xero's own form."""

    document_id: str | None = msgspec.field(default=None, name="PaymentID")
    document_number: str | None = None
    reference: str | None = msgspec.field(default=None, name="Reference")
    amount: Decimal | None = msgspec.field(default=None, name="Amount")
    date: str | None = msgspec.field(default=None, name="Date")
    invoice: PaidInvoice | None = msgspec.field(default=None, name="Invoice")


class _Foreseen(msgspec.Struct, frozen=True):
    amount: Decimal
    date: datetime.date


_foreseen = msgspec.json.Decoder(_Foreseen)


def _build_payment(element: bytes, posting: Brief, invoice_id: str | None, _public_url: str) -> bytes:
    assert invoice_id is not None, "a payment is frozen only after its document is posted"
    built = encoding.decode(element)
    reference = identity.with_marker(built.get("Reference", ""), posting.marker, REFERENCE_LIMIT)
    return encoding.encode({"Invoice": {"InvoiceID": invoice_id}, **built, "Reference": reference})


def _payment_carries_mark(stored: WrittenPayment, posting: Brief) -> bool:
    return identity.find_marker(None, stored.reference) == posting.marker


def _payment_differences(stored: WrittenPayment, predicted: bytes, invoice_id: str | None) -> tuple[str, ...]:
    expected = _foreseen.decode(predicted)
    return _told(
        [
            ("invoice", invoice_id, stored.invoice.invoice_id if stored.invoice else None),
            ("amount", expected.amount, stored.amount),
            ("date", expected.date, wire_date(stored.date)),
        ]
    )


# ---- credit notes: in our tables they speak of InvoiceID and InvoiceNumber, so that all documents are compared alike

_OUR_WORDS = {"CreditNoteID": "InvoiceID", "CreditNoteNumber": "InvoiceNumber"}
_XEROS_WORDS = {ours: xeros for xeros, ours in _OUR_WORDS.items()}


def in_our_words(credit_note: dict[str, Any]) -> dict[str, Any]:
    """A credit note of Xero's with the names that an invoice's fields have."""
    return {_OUR_WORDS.get(key, key): value for key, value in credit_note.items()}


def in_xeros_words(element: dict[str, Any]) -> dict[str, Any]:
    """The same element as Xero takes it."""
    return {_XEROS_WORDS.get(key, key): value for key, value in element.items()}


def marked_reference(element: dict[str, Any], marker: str) -> str:
    """A credit note's Reference: it has no Url, so our mark ends it whoever numbers it."""
    return identity.with_marker(element.get("Reference", ""), marker, REFERENCE_LIMIT)


def _build_credit_note(element: bytes, posting: Brief, contact_id: str | None, _public_url: str) -> bytes:
    assert contact_id is not None, "a document is frozen only after its contact is posted"
    built = in_xeros_words(encoding.decode(element))
    reference = marked_reference(built, posting.marker)
    return encoding.encode({**built, "Contact": {"ContactID": contact_id}, "Reference": reference})


class WrittenAllocation(Written, frozen=True, kw_only=True):
    """An allocation as Xero stored it."""

    document_id: str | None = msgspec.field(default=None, name="AllocationID")
    document_number: str | None = None
    amount: Decimal | None = msgspec.field(default=None, name="Amount")
    invoice: PaidInvoice | None = msgspec.field(default=None, name="Invoice")


def _build_allocation(element: bytes, _posting: Brief, credit_note_id: str | None, _public_url: str) -> bytes:
    assert credit_note_id is not None, "an allocation is frozen only after its credit note is posted"
    return element


def _is_that_allocation(stored: WrittenAllocation, posting: Brief) -> bool:
    """It has room for no mark; its parent is in the path, so the amount tells (design §3.1)."""
    return isinstance(posting, Posting) and stored.amount == posting.total


class _Allocated(msgspec.Struct, frozen=True):
    amount: Decimal
    invoice_id: str


_allocated = msgspec.json.Decoder(_Allocated)


def _allocation_differences(
    stored: WrittenAllocation, predicted: bytes, _credit_note_id: str | None
) -> tuple[str, ...]:
    expected = _allocated.decode(predicted)
    there = stored.invoice.invoice_id if stored.invoice else None
    return _told([("invoice", expected.invoice_id, there), ("amount", expected.amount, stored.amount)])


INVOICE = Kind(
    name="invoice",
    resource="Invoices",
    written=WrittenInvoice,
    unique=("must be unique",),
    build=_build_invoice,
    carries_mark=_invoice_carries_mark,
    differences=_invoice_differences,
)
CONTACT = Kind(
    name="contact",
    resource="Contacts",
    written=WrittenContact,
    unique=("already assigned to another contact", "has this contact number", "must be unique"),
    build=_build_contact,
    carries_mark=_contact_carries_mark,
    differences=_contact_differences,
)
PAYMENT = Kind(
    name="payment",
    resource="Payments",
    written=WrittenPayment,
    unique=(),
    build=_build_payment,
    carries_mark=_payment_carries_mark,
    differences=_payment_differences,
)
CREDIT_NOTE = Kind(
    name="credit_note",
    resource="CreditNotes",
    written=WrittenCreditNote,
    unique=("must be unique",),
    build=_build_credit_note,
    carries_mark=_invoice_carries_mark,
    differences=_invoice_differences,
)
ALLOCATION = Kind(
    name="allocation",
    resource="Allocations",
    written=WrittenAllocation,
    unique=(),
    build=_build_allocation,
    carries_mark=_is_that_allocation,
    differences=_allocation_differences,
    under=CREDIT_NOTE.resource,
)
CREDIT = "credit"  # the credit note by which an invoice of ours is taken back; written as every credit note is
RECORDS = (INVOICE.name, CREDIT_NOTE.name)  # what a record becomes, by the sign of its total
BY_RESOURCE: dict[str, Kind] = {kind.resource: kind for kind in (CONTACT, INVOICE, PAYMENT, CREDIT_NOTE, ALLOCATION)}
BY_NAME: dict[str, Kind] = {kind.name: kind for kind in BY_RESOURCE.values()}
ORDER = (CONTACT.resource, INVOICE.resource)  # read before the first one is made; payments are read with their invoices
FREQUENT = (*ORDER, PAYMENT.resource)  # frozen in this order; then, when none of these is ready, the credits
CREDITS = (CREDIT_NOTE.resource, ALLOCATION.resource)


def is_uniqueness(kind: Kind, messages: tuple[str, ...]) -> bool:
    """True when Xero refuses because something of that name or number exists: look, never reject by itself."""
    return any(words in message for message in messages for words in kind.unique)
