"""What each kind of posting looks like at Xero: path, marker, how an answer's element is recognised and compared.

Called by freezing, judging, looking, recording. Pure. A kind without an entry here may not be written (design §3.1): the
table says how each is found again.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.model.prepared import Predicted
from counterfoil.posting import identity
from counterfoil.store.documents import fold
from counterfoil.store.postings import Posting

REFERENCE_LIMIT = 255
ZERO_ID = "00000000-0000-0000-0000-000000000000"
_WIRE_DATE = re.compile(r"/Date\((-?\d+)")


class Kind(msgspec.Struct, frozen=True):
    """How one kind is written and recognised. `unique` finds the words of Xero's uniqueness refusals."""

    name: str
    resource: str
    id_field: str
    number_field: str
    unique: tuple[str, ...]
    build: Callable[[dict[str, Any], Posting, str | None, str], dict[str, Any]]
    carries_mark: Callable[[Mapping[str, Any], Posting], bool]
    differences: Callable[[Mapping[str, Any], Any, str | None], tuple[str, ...]]


def wire_date(value: object) -> datetime.date | None:
    """The calendar day of Xero's /Date(ms+0000)/ (facts §4.2: midnight UTC of the day); None when there is none."""
    found = _WIRE_DATE.match(value) if isinstance(value, str) else None
    if not found:
        return None
    return datetime.date(1970, 1, 1) + datetime.timedelta(milliseconds=int(found.group(1)))


def _build_invoice(
    element: dict[str, Any], posting: Posting, contact_id: str | None, public_url: str
) -> dict[str, Any]:
    """The element as sent: the contact by id only (a name would edit Xero's contact), and our mark."""
    assert contact_id is not None, "a document is frozen only after its contact is posted"
    built = {**element, "Contact": {"ContactID": contact_id}, "Url": identity.marker_url(public_url, posting.marker)}
    if not posting.own_number:
        built["Reference"] = identity.with_marker(element.get("Reference", ""), posting.marker, REFERENCE_LIMIT)
    return built


def _invoice_carries_mark(stored: Mapping[str, Any], posting: Posting) -> bool:
    return identity.find_marker(stored.get("Url"), stored.get("Reference")) == posting.marker


def _invoice_differences(stored: Mapping[str, Any], predicted: Any, contact_id: str | None) -> tuple[str, ...]:
    """What Xero stored against what we predicted; each difference in a bookkeeper's words."""
    expected = msgspec.convert(predicted, Predicted)
    found = [
        _differs("contact", contact_id, (stored.get("Contact") or {}).get("ContactID")),
        _differs("status", expected.status, stored.get("Status")),
        _differs("date", expected.date, wire_date(stored.get("Date"))),
        _differs("due date", expected.due_date, wire_date(stored.get("DueDate"))) if expected.due_date else None,
        _differs("currency", expected.currency, stored.get("CurrencyCode")),
        _differs("subtotal", expected.sub_total, _amount(stored.get("SubTotal"))),
        _differs("tax", expected.total_tax, _amount(stored.get("TotalTax"))),
        _differs("total", expected.total, _amount(stored.get("Total"))),
    ]
    lines = stored.get("LineItems") or []
    found.append(_differs("number of lines", len(expected.lines), len(lines)))
    for number, (line, was) in enumerate(zip(expected.lines, lines, strict=False), 1):
        found.append(_differs(f"line {number} account", line.account_code, was.get("AccountCode")))
        if line.tax_type is not None:
            found.append(_differs(f"line {number} tax", line.tax_type, was.get("TaxType")))
    return tuple(text for text in found if text)


def _differs(what: str, ours: object, theirs: object) -> str | None:
    return None if ours == theirs else f"{what}: we expected {ours}, Xero stored {theirs}"


def _amount(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _build_contact(
    element: dict[str, Any], posting: Posting, _contact_id: str | None, _public_url: str
) -> dict[str, Any]:
    return {**element, "ContactNumber": posting.external_id}


def _contact_carries_mark(stored: Mapping[str, Any], posting: Posting) -> bool:
    return stored.get("ContactNumber") == posting.external_id


def _contact_differences(stored: Mapping[str, Any], predicted: Any, _contact_id: str | None) -> tuple[str, ...]:
    wanted = str(predicted.get("name", ""))
    text = _differs("name", fold(wanted), fold(str(stored.get("Name", ""))))
    return (text,) if text else ()


INVOICE = Kind(
    name="invoice",
    resource="Invoices",
    id_field="InvoiceID",
    number_field="InvoiceNumber",
    unique=("must be unique",),
    build=_build_invoice,
    carries_mark=_invoice_carries_mark,
    differences=_invoice_differences,
)
CONTACT = Kind(
    name="contact",
    resource="Contacts",
    id_field="ContactID",
    number_field="ContactNumber",
    unique=("already assigned to another contact", "has this contact number", "must be unique"),
    build=_build_contact,
    carries_mark=_contact_carries_mark,
    differences=_contact_differences,
)
BY_RESOURCE: dict[str, Kind] = {kind.resource: kind for kind in (CONTACT, INVOICE)}
ORDER = tuple(BY_RESOURCE)  # contacts before the documents that need them


def is_uniqueness(kind: Kind, messages: tuple[str, ...]) -> bool:
    """True when Xero refuses because something of that name or number exists: look, never reject by itself."""
    return any(words in message for message in messages for words in kind.unique)
