"""A write's answer, element by element: what became of each thing that we sent, by position.

Called by posting. Pure. Xero answers 200 and marks each element when summarizeErrors=false; the markers differ by
resource (facts §3.4), and errors may hide in a nested Contact or line (REC there).
"""

import functools
import re
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from counterfoil.model import record
from counterfoil.xero import answers

Status = Literal["OK", "WARNING", "ERROR"]

# A list of messages with something in it, anywhere in an answer. Measured on 50 invoices: looking for it in the bytes
# takes 0.3 ms, walking through the decoded elements 15 ms; that no message has a text is seen in 0.05 ms.
_TEXT: Final = b'"Message"'
_MESSAGES: Final = re.compile(rb'"(?:ValidationErrors|Warnings)"\s*:\s*\[\s*[^\]\s]')


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of any element of an answer; the rest of it is skipped, which is most of its cost."""

    said: str | None = msgspec.field(default=None, name="StatusAttributeString")
    has_errors: bool | None = msgspec.field(default=None, name="HasErrors")
    has_validation_errors: bool | None = msgspec.field(default=None, name="HasValidationErrors")


class WrittenContact(Written, frozen=True, kw_only=True):
    """A contact as Xero stored it."""

    document_id: str | None = msgspec.field(default=None, name="ContactID")
    document_number: str | None = msgspec.field(default=None, name="ContactNumber")
    name: str | None = msgspec.field(default=None, name="Name")


class WrittenLine(msgspec.Struct, frozen=True, rename="pascal"):
    """A line as Xero stored it."""

    account_code: str | None = None
    tax_type: str | None = None


class DocumentContact(msgspec.Struct, frozen=True):
    """Whose document it is."""

    contact_id: str | None = msgspec.field(default=None, name="ContactID")


class WrittenInvoice(Written, frozen=True, kw_only=True):
    """An invoice as Xero stored it. Dates in Xero's own form."""

    document_id: str | None = msgspec.field(default=None, name="InvoiceID")
    document_number: str | None = msgspec.field(default=None, name="InvoiceNumber")
    reference: str | None = msgspec.field(default=None, name="Reference")
    url: str | None = msgspec.field(default=None, name="Url")
    contact: DocumentContact | None = msgspec.field(default=None, name="Contact")
    date: str | None = msgspec.field(default=None, name="Date")
    due_date: str | None = msgspec.field(default=None, name="DueDate")
    status: str | None = msgspec.field(default=None, name="Status")
    currency: str | None = msgspec.field(default=None, name="CurrencyCode")
    lines: tuple[WrittenLine, ...] | None = msgspec.field(default=None, name="LineItems")
    sub_total: Decimal | None = msgspec.field(default=None, name="SubTotal")
    total_tax: Decimal | None = msgspec.field(default=None, name="TotalTax")
    total: Decimal | None = msgspec.field(default=None, name="Total")


class WrittenCreditNote(WrittenInvoice, frozen=True, kw_only=True):
    """A credit note as Xero stored it: an invoice's fields under its own names, and no Url (facts §5.9)."""

    document_id: str | None = msgspec.field(default=None, name="CreditNoteID")
    document_number: str | None = msgspec.field(default=None, name="CreditNoteNumber")


class Element(msgspec.Struct, frozen=True):
    """What became of one element: what Xero says that it stored, and messages in Xero's words, in order."""

    status: Status
    stored: Any
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def parse(body: bytes, plural: str, count: int, shape: type[Written] = Written) -> list[Element] | None:
    """The elements under `plural` ("Invoices") in the order of the request, or None when they cannot be trusted.

    None when the body is no whole JSON envelope with Status "OK", when the list is missing or an element has not the
    shape of one, when there are not exactly `count`, or when an element calls itself OK and carries errors: then the
    whole answer is unclear.
    """
    try:
        envelope = _decoder(plural, shape).decode(body)
        whole = record.plain(body)[plural] if _TEXT in body and _MESSAGES.search(body) else (None,) * count
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if envelope.status != "OK" or len(envelope.items) != count:
        return None
    elements = [_element(stored, raw) for stored, raw in zip(envelope.items, whole, strict=True)]
    return None if None in elements else [element for element in elements if element is not None]


@functools.cache
def _decoder(plural: str, shape: type[Written]) -> msgspec.json.Decoder[Any]:
    fields = [("status", str, msgspec.field(name="Status")), ("items", list[shape], msgspec.field(name=plural))]  # type: ignore[valid-type]  # made of its argument
    return msgspec.json.Decoder(msgspec.defstruct(f"Written{plural}", fields))


def _element(stored: Written, raw: dict[str, Any] | None) -> Element | None:
    """One element; None when its markers contradict each other, since calling it refused could make it twice.

    `raw`: all of it when the answer holds messages somewhere; else there is no need to look for them here.
    """
    problems = tuple(answers.validation_messages(raw)) if raw else ()
    warnings = tuple(answers.validation_messages(raw, "Warnings")) if raw else ()
    marked = stored.has_errors is True or stored.has_validation_errors is True or bool(problems)
    match stored.said:
        case "ERROR":
            status: Status = "ERROR"
        case "OK" | "WARNING" as said if not marked:
            status = "WARNING" if said == "WARNING" or warnings else "OK"
        case None:  # summarizeErrors was not "false": only the flags speak
            status = "ERROR" if marked else "WARNING" if warnings else "OK"
        case _:
            return None
    return Element(status=status, stored=stored, errors=problems, warnings=warnings)
